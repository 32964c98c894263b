/**
 * Threshold RSA. One signer is measured twice: as who knows the exponent but not the factors of N, like every party here,
 * and as ordinary RSA, which uses the factors (the Chinese remainder theorem) and so is several times faster.
 */
import { createPrivateKey, createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { thresholdFormula } from "../../dist/core/formula.js";
import { bigintToBytes, bitLength, inverse, mod } from "../../dist/crypto/numbers/bigints.js";
import { Modulus } from "../../dist/crypto/numbers/modexp.js";
import { dealRsa } from "../../dist/crypto/rsa/dealer.js";
import { createRsaScheme, createRsaSharer } from "../../dist/crypto/rsa/threshold.js";
import { createRsaWorkers } from "../../dist/crypto/rsa/workers.js";
import { combineRobustly } from "../../dist/crypto/scheme.js";
import { measureCombine, mustBe, randomParties, sharesOf, sizesOf, upTo, withOneBad } from "./parties.mjs";
import { SAFE_PRIMES } from "./primes.mjs";

const scheme = "rsa";
const PLAIN = "private exponentiation";
const VERIFY = "openssl verify";
const MESSAGE = Buffer.from("a statement to be signed");
const OTHER_MESSAGE = Buffer.from("another statement");

/** @param {ReturnType<typeof import("./measure.mjs").createBench>} bench */
export async function measureRsa(bench, sizes, bits) {
  const primes = SAFE_PRIMES.get(bits);
  const exponentiate = measureOneSigner(bench, primes);
  let figures = {};
  for (const n of sizes) figures = await measureGroup(bench, n, primes, exponentiate);
  return figures;
}

/** @returns a plain exponentiation, to compare with. */
function measureOneSigner(bench, primes) {
  const modulus = new Modulus(primes[0] * primes[1]);
  const base = BigInt(`0x${randomBytes(modulus.sizeBytes - 1).toString("hex")}`);
  const exponent = randomBytes(modulus.sizeBytes);
  exponent[0] |= 0x80;
  const exponentiate = () => modulus.powSecret(base, exponent);
  bench.measure({ scheme, operation: PLAIN, reference: PLAIN, counted: false }, exponentiate);

  const key = ordinaryKey(primes);
  bench.measure({ scheme, operation: "openssl sign (CRT)", reference: PLAIN, counted: false }, () =>
    sign("sha256", MESSAGE, key),
  );
  const signature = sign("sha256", MESSAGE, key);
  const publicKey = createPublicKey(key);
  bench.measure({ scheme, operation: VERIFY, reference: VERIFY, counted: false }, () =>
    verify("sha256", MESSAGE, publicKey, signature),
  );
  return exponentiate;
}

/** The private key (RFC 8017, section 3.2) with these factors. */
function ordinaryKey([p, q]) {
  const e = 65_537n;
  const d = inverse(e, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e, d, p, q, dp: mod(d, p - 1n), dq: mod(d, q - 1n), qi: inverse(q, p) };
  const encoded = Object.entries(numbers).map(([name, value]) => [
    name,
    Buffer.from(bigintToBytes(value, Math.ceil(bitLength(value) / 8))).toString("base64url"),
  ]);
  return createPrivateKey({ key: { kty: "RSA", ...Object.fromEntries(encoded) }, format: "jwk" });
}

async function measureGroup(bench, n, primes, exponentiate) {
  const { honest, quorum } = sizesOf(n);
  const of = { scheme, n, threshold: honest, reference: PLAIN };
  const access = thresholdFormula(honest, n);
  const deal = () => dealRsa({ access, dual: false, primes });
  await bench.measureAsync({ ...of, operation: "deal" }, deal, undefined, { warmUp: false });
  const dealt = await deal();
  const { publicKey } = dealt;
  bench.measure({ ...of, operation: "open key" }, () => createRsaScheme(publicKey));

  const rsa = createRsaScheme(publicKey);
  const sharers = upTo(n).map((party) => createRsaSharer(publicKey, party, dealt.secretOf(party)));
  const [sharer] = sharers;
  const secret = dealt.secretOf(0);
  bench.measure({ ...of, operation: "open key and secret" }, () => createRsaSharer(publicKey, 0, secret));
  bench.measure({ ...of, operation: "share" }, () => sharer.share(MESSAGE));
  // The rest a replica leaves to its workers.
  const inWorkers = { ...of, counted: false };
  bench.measure({ ...inWorkers, operation: "prove" }, () => sharer.prove(MESSAGE));
  const proven = sharer.prove(MESSAGE);
  bench.measure({ ...of, operation: "check proven share" }, () => mustBe("valid", rsa.checkShare(0, MESSAGE, proven)));

  const shares = sharesOf(upTo(n), (party) => sharers[party].share(MESSAGE));
  measureCombine(bench, inWorkers, shares, (some) => rsa.combine(MESSAGE, some));
  const signature = rsa.combine(MESSAGE, shares);
  bench.measure({ ...of, operation: "check signature", reference: VERIFY }, () =>
    mustBe("valid", rsa.checkValue(MESSAGE, signature)),
  );

  const good = sharesOf(upTo(n), (party) => sharers[party].prove(MESSAGE));
  const bad = sharesOf(upTo(n), (party) => sharers[party].prove(OTHER_MESSAGE));
  const oneBad = () => withOneBad(randomParties(n, honest + 1), good, bad);
  bench.measure(
    { ...inWorkers, operation: "combine robustly, 1 bad" },
    (some) => mustBe("combined", combineRobustly(rsa, MESSAGE, some)),
    oneBad,
  );

  const shareOf = (party) => shares.get(party);
  await measureWorkers(bench, of, { publicKey, party: 0, secret }, async (measure) => {
    await measure("share", (workers) => workers.share(MESSAGE));
    await measure("prove", (workers) => workers.prove(MESSAGE));
    const combine = async (workers, some) => mustBe("combined", await workers.combine(MESSAGE, some));
    await measure("combine", combine, () => sharesOf(randomParties(n, honest), shareOf));
    await measure("combine robustly, 1 bad", combine, oneBad);
  });
  const figures = {
    shareRatio: bench.pairedRatio(() => sharer.share(MESSAGE), exponentiate, 1),
    proveRatio: bench.pairedRatio(() => sharer.prove(MESSAGE), exponentiate, 3),
    ...countProofs(rsa, sharers, honest, bench.runs),
  };
  for (const each of sharers) each.destroy();
  await measureProtocol2(bench, { ...of, threshold: quorum }, primes);
  return figures;
}

/** Gives `use` a way to measure what one worker thread does, the start of the thread first. */
async function measureWorkers(bench, of, options, use) {
  const start = async () => {
    const workers = createRsaWorkers(options);
    await workers.share(MESSAGE);
    return workers;
  };
  const started = [];
  await bench.measureAsync(
    { ...of, operation: "start worker, first task" },
    async () => started.push(await start()),
    undefined,
    { warmUp: false },
  );
  const workers = started.pop();
  await Promise.all(started.map((each) => each.close()));
  try {
    await use((operation, run, prepare) =>
      bench.measureAsync({ ...of, operation: `worker: ${operation}` }, (input) => run(workers, input), prepare),
    );
  } finally {
    await workers.close();
  }
}

/** Protocol 2: a quorum signs. */
async function measureProtocol2(bench, of, primes) {
  const { n, threshold } = of;
  const { publicKey, secretOf } = await dealRsa({ access: thresholdFormula(threshold, n), dual: true, primes });
  const rsa = createRsaScheme(publicKey);
  const shares = sharesOf(upTo(n), (party) => {
    const sharer = createRsaSharer(publicKey, party, secretOf(party));
    const share = sharer.share(MESSAGE);
    sharer.destroy();
    return share;
  });
  const combine = (some) => rsa.combine(MESSAGE, some);
  measureCombine(bench, { ...of, counted: false }, shares, combine, "combine (Protocol 2)");
  const workers = createRsaWorkers({ publicKey });
  try {
    await bench.measureAsync(
      { ...of, operation: "worker: combine (Protocol 2)" },
      async (some) => mustBe("combined", await workers.combine(MESSAGE, some)),
      () => sharesOf(randomParties(n, threshold), (party) => shares.get(party)),
    );
  } finally {
    await workers.close();
  }
}

/** How many proofs are made and checked while honest parties sign so many messages. */
function countProofs(rsa, sharers, honest, messages) {
  let [proofsMade, proofsChecked] = [0, 0];
  const countingSharers = sharers.map((sharer) => ({
    ...sharer,
    prove: (message) => (proofsMade++, sharer.prove(message)),
  }));
  const countingScheme = { ...rsa, checkShare: (...args) => (proofsChecked++, rsa.checkShare(...args)) };
  for (let i = 0; i < messages; i++) {
    const message = Buffer.from(`statement ${i}`);
    const shares = sharesOf(randomParties(sharers.length, honest), (party) => countingSharers[party].share(message));
    const { value } = mustBe("combined", combineRobustly(countingScheme, message, shares));
    mustBe("valid", rsa.checkValue(message, value));
  }
  return { proofsMade, proofsChecked };
}
