/** The Diffie–Hellman coin and TDH2, both over ristretto255. */
import { randomBytes } from "node:crypto";
import { thresholdFormula } from "../../dist/core/formula.js";
import { sha256 } from "../../dist/crypto/hashing.js";
import { createCoinScheme, createCoinSharer } from "../../dist/crypto/ristretto/coin.js";
import { loadRistretto } from "../../dist/crypto/ristretto/group.js";
import { ristrettoKeys } from "../../dist/crypto/ristretto/shared-key.js";
import { createTdh2Scheme, createTdh2Sharer } from "../../dist/crypto/ristretto/tdh2.js";
import { openBody, sealBody } from "../../dist/crypto/ristretto/tdh2-body.js";
import { combineInTurns } from "../../dist/crypto/scheme.js";
import { dealKey } from "../../dist/crypto/sharing/deal-key.js";
import { measureCombine, mustBe, randomParties, sharesOf, sizesOf, upTo, withOneBad } from "./parties.mjs";

const POWER = "scalar multiplication";
const ENCRYPT = "ECIES encrypt";
const DECRYPT = "ECIES decrypt";
const NAME = Buffer.from("the coin of round 7");
const OTHER_NAME = Buffer.from("the coin of round 8");
const PLAINTEXT = randomBytes(1024);

/** @param {ReturnType<typeof import("./measure.mjs").createBench>} bench */
export async function measureCoin(bench, sizes) {
  const ristretto = await loadRistretto();
  const scheme = "coin dh";
  measurePower(bench, scheme, ristretto);
  for (const n of sizes) {
    const { honest, quorum } = sizesOf(n);
    for (const threshold of [honest, quorum]) {
      const of = { scheme, n, threshold, reference: POWER };
      const { publicKey, secretOf } = measureDeal(bench, of, ristretto);
      const options = { ristretto, label: "measurement", publicKey };
      bench.measure({ ...of, operation: "open key" }, () => createCoinScheme(options));
      const coin = createCoinScheme(options);
      const sharers = upTo(n).map((party) => createCoinSharer({ ...options, party, secret: secretOf(party) }));
      bench.measure({ ...of, operation: "share" }, () => sharers[0].share(NAME));
      const shares = sharesOf(upTo(n), (party) => sharers[party].share(NAME));
      bench.measure({ ...of, operation: "check share" }, () =>
        mustBe("valid", coin.checkShare(0, NAME, shares.get(0))),
      );
      measureCombine(bench, of, shares, (some) => coin.combine(NAME, some));
      const bad = sharesOf(upTo(n), (party) => sharers[party].share(OTHER_NAME));
      await measureOneBad(bench, of, { good: shares, bad }, (some) => combineInTurns(coin, NAME, some));
    }
  }
}

/** @param {ReturnType<typeof import("./measure.mjs").createBench>} bench */
export async function measureTdh2(bench, sizes) {
  const ristretto = await loadRistretto();
  const scheme = "tdh2";
  measurePower(bench, scheme, ristretto);
  measureEcies(bench, scheme, ristretto);
  for (const n of sizes) {
    const threshold = sizesOf(n).honest;
    const of = { scheme, n, threshold, reference: POWER };
    const { publicKey, secretOf } = measureDeal(bench, of, ristretto);
    const options = { ristretto, publicKey };
    bench.measure({ ...of, operation: "open key" }, () => createTdh2Scheme(options));
    const tdh2 = createTdh2Scheme(options);
    const label = Buffer.from("a sealed bid");
    bench.measure({ ...of, operation: "encrypt", reference: ENCRYPT }, () =>
      tdh2.encrypt({ label, plaintext: PLAINTEXT }),
    );
    const subject = { label, ciphertext: tdh2.encrypt({ label, plaintext: PLAINTEXT }) };
    bench.measure({ ...of, operation: "check ciphertext" }, () =>
      mustBe("valid", tdh2.checkCiphertext(label, subject.ciphertext)),
    );
    const sharers = upTo(n).map((party) => createTdh2Sharer({ ...options, party, secret: secretOf(party) }));
    bench.measure({ ...of, operation: "share" }, () => sharers[0].share(subject));
    const shares = sharesOf(upTo(n), (party) => sharers[party].share(subject));
    bench.measure({ ...of, operation: "check share" }, () =>
      mustBe("valid", tdh2.checkShare(0, subject, shares.get(0))),
    );
    bench.measure(
      { ...of, operation: "check shares, all at once" },
      (some) => tdh2.checkShares(subject, some),
      () => sharesOf(randomParties(n, threshold), (party) => shares.get(party)),
    );
    const combining = { ...of, reference: DECRYPT };
    measureCombine(bench, combining, shares, (some) => mustBe("plaintext", tdh2.combine(subject, some)));
    const other = { label, ciphertext: tdh2.encrypt({ label, plaintext: PLAINTEXT }) };
    const bad = sharesOf(upTo(n), (party) => sharers[party].share(other));
    await measureOneBad(bench, combining, { good: shares, bad }, (some) => combineInTurns(tdh2, subject, some));
  }
}

async function measureOneBad(bench, of, { good, bad }, combine) {
  await bench.measureAsync(
    { ...of, operation: "combine robustly, 1 bad" },
    async (shares) => mustBe("combined", await combine(shares)),
    () => withOneBad(randomParties(of.n, of.threshold + 1), good, bad),
  );
}

function measureDeal(bench, of, ristretto) {
  const access = thresholdFormula(of.threshold, of.n);
  bench.measure({ ...of, operation: "deal" }, () => dealKey(ristrettoKeys(ristretto), access));
  return dealKey(ristrettoKeys(ristretto), access);
}

function measurePower(bench, scheme, ristretto) {
  const element = ristretto.elementFromHash(randomBytes(64));
  const scalar = ristretto.scalarFromHash(randomBytes(64));
  bench.measure({ scheme, operation: POWER, reference: POWER, counted: false }, () => ristretto.power(element, scalar));
}

/** What encryption to one holder of the key costs, secure against chosen plaintexts only, with the same cipher. */
function measureEcies(bench, scheme, ristretto) {
  const secret = ristretto.scalarFromHash(randomBytes(64));
  const publicKey = ristretto.basePower(secret);
  const keyOf = (element) => sha256("abcast/1 bench ecies key", element);
  const encrypt = () => {
    const r = ristretto.scalarFromHash(randomBytes(64));
    return { u: ristretto.basePower(r), body: sealBody(keyOf(ristretto.power(publicKey, r)), PLAINTEXT) };
  };
  const { u, body } = encrypt();
  const one = { scheme, counted: false };
  bench.measure({ ...one, operation: ENCRYPT, reference: ENCRYPT }, encrypt);
  bench.measure({ ...one, operation: DECRYPT, reference: DECRYPT }, () =>
    openBody(keyOf(ristretto.power(u, secret)), body),
  );
}
