/** Threshold BLS signatures, and the coin made of them. */
import { randomBytes } from "node:crypto";
import { thresholdFormula } from "../../dist/core/formula.js";
import { createBlsCoinScheme, createBlsCoinSharer } from "../../dist/crypto/bls/coin.js";
import { blsKeys, openPublicKey, openSignature, sign, verify } from "../../dist/crypto/bls/curve.js";
import { createBlsScheme, createBlsSharer } from "../../dist/crypto/bls/threshold.js";
import { combineInTurns } from "../../dist/crypto/scheme.js";
import { dealKey } from "../../dist/crypto/sharing/deal-key.js";
import { measureCombine, mustBe, randomParties, sharesOf, sizesOf, upTo, withOneBad } from "./parties.mjs";

const SIGN = "sign";
const VERIFY = "verify";
const MESSAGE = Buffer.from("a statement to be signed");
const OTHER_MESSAGE = Buffer.from("another statement");

/** @param {ReturnType<typeof import("./measure.mjs").createBench>} bench */
export async function measureBls(bench, sizes) {
  measureOneSigner(bench, "bls");
  for (const n of sizes) {
    const of = { scheme: "bls", n, threshold: sizesOf(n).quorum, reference: SIGN };
    const { bls, shares } = await measureShares(bench, of, { create: createBlsScheme, createSharer: createBlsSharer });
    const signature = bls.combine(MESSAGE, shares);
    bench.measure({ ...of, operation: "check signature", reference: VERIFY }, () =>
      mustBe("valid", bls.checkValue(MESSAGE, signature)),
    );
  }
}

/** The same shares; what is combined is hashed. */
export async function measureBlsCoin(bench, sizes) {
  measureOneSigner(bench, "coin bls");
  for (const n of sizes) {
    const of = { scheme: "coin bls", n, threshold: sizesOf(n).quorum, reference: SIGN };
    await measureShares(bench, of, { create: createBlsCoinScheme, createSharer: createBlsCoinSharer });
  }
}

function measureOneSigner(bench, scheme) {
  const secret = randomBytes(32);
  secret[0] &= 0x3f; // Below the order.
  const key = openPublicKey(blsKeys.basePower(secret));
  const one = { scheme, counted: false };
  bench.measure({ ...one, operation: SIGN, reference: SIGN }, () => sign(secret, MESSAGE));
  const signature = sign(secret, MESSAGE);
  bench.measure({ ...one, operation: VERIFY, reference: VERIFY }, () => verify(MESSAGE, key, openSignature(signature)));
}

async function measureShares(bench, of, { create, createSharer }) {
  const { n, threshold } = of;
  const access = thresholdFormula(threshold, n);
  bench.measure({ ...of, operation: "deal" }, () => dealKey(blsKeys, access));
  const { publicKey, secretOf } = dealKey(blsKeys, access);
  const options = { label: "measurement", publicKey };
  bench.measure({ ...of, operation: "open key" }, () => create(options));

  const bls = create(options);
  const sharers = upTo(n).map((party) => createSharer({ ...options, party, secret: secretOf(party) }));
  bench.measure({ ...of, operation: "share" }, () => sharers[0].share(MESSAGE));
  const good = sharesOf(upTo(n), (party) => sharers[party].share(MESSAGE));
  const bad = sharesOf(upTo(n), (party) => sharers[party].share(OTHER_MESSAGE));
  bench.measure({ ...of, operation: "check share", reference: VERIFY }, () =>
    mustBe("valid", bls.checkShare(0, MESSAGE, good.get(0))),
  );
  bench.measure(
    { ...of, operation: "check shares, all at once", reference: VERIFY },
    (shares) => bls.checkShares(MESSAGE, shares),
    () => sharesOf(randomParties(n, threshold), (party) => good.get(party)),
  );
  measureCombine(bench, of, good, (shares) => bls.combine(MESSAGE, shares));
  await bench.measureAsync(
    { ...of, operation: "combine robustly, 1 bad" },
    async (shares) => mustBe("combined", await combineInTurns(bls, MESSAGE, shares)),
    () => withOneBad(randomParties(n, threshold + 1), good, bad),
  );
  return { bls, shares: good };
}
