/** What belongs to no threshold scheme: sharing itself, and what a party does by itself. */
import { randomBytes } from "node:crypto";
import { thresholdFormula } from "../../dist/core/formula.js";
import { PartySet } from "../../dist/core/party-set.js";
import { GROUP_ORDER } from "../../dist/crypto/bls/curve.js";
import { decryptWithPassphrase, encryptWithPassphrase } from "../../dist/crypto/ceremony/passphrase.js";
import { createSealingKey, open, seal } from "../../dist/crypto/ceremony/sealed-box.js";
import { createEd25519Signer, createEd25519Verifier } from "../../dist/crypto/ed25519/ed25519.js";
import { createSharing } from "../../dist/crypto/sharing/sharing.js";
import { mustBe, randomParties, sizesOf } from "./parties.mjs";

const MESSAGE = Buffer.from("a statement to be signed");

/** @param {ReturnType<typeof import("./measure.mjs").createBench>} bench */
export function measureSharing(bench, sizes) {
  for (const n of sizes) {
    const threshold = sizesOf(n).quorum;
    const of = { scheme: "sharing", n, threshold };
    const formula = thresholdFormula(threshold, n);
    bench.measure({ ...of, operation: "compile formula" }, () => createSharing(formula));
    const sharing = createSharing(formula);
    bench.measure({ ...of, operation: "deal" }, () => sharing.deal(7n, GROUP_ORDER));
    const parties = () => PartySet.of(randomParties(n, threshold));
    bench.measure({ ...of, operation: "terms" }, (set) => sharing.terms(set, GROUP_ORDER), parties);
    bench.measure({ ...of, operation: "integer terms" }, (set) => sharing.integerTerms(set), parties);
  }
}

/** @param {ReturnType<typeof import("./measure.mjs").createBench>} bench */
export async function measureParty(bench) {
  const seed = randomBytes(32);
  const signer = createEd25519Signer(seed);
  const verifier = createEd25519Verifier(signer.publicKey);
  const signature = signer.sign(MESSAGE);
  bench.measure({ scheme: "ed25519", operation: "sign", reference: "sign" }, () => signer.sign(MESSAGE));
  bench.measure({ scheme: "ed25519", operation: "verify", reference: "sign" }, () => verifier(MESSAGE, signature));

  const { publicKey, secretKey } = createSealingKey();
  const plaintext = randomBytes(1024);
  const box = () => seal({ publicKey, info: MESSAGE, plaintext });
  const sealed = await box();
  await bench.measureAsync({ scheme: "sealed box", operation: "seal" }, box);
  await bench.measureAsync({ scheme: "sealed box", operation: "open" }, async () =>
    mustBe("opened", await open({ secretKey, info: MESSAGE, sealed })),
  );

  let encrypted;
  const once = { warmUp: false };
  const encrypt = async () => (encrypted = await encryptWithPassphrase(plaintext, "correct horse"));
  await bench.measureAsync({ scheme: "passphrase", operation: "encrypt" }, encrypt, undefined, once);
  const decrypt = async () => mustBe("opened", await decryptWithPassphrase(encrypted, "correct horse"));
  await bench.measureAsync({ scheme: "passphrase", operation: "decrypt" }, decrypt, undefined, once);
}
