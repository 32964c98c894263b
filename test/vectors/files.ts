/** The files in docs/vectors, as docs/vectors.md describes them: any other field is an error. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { fromHex } from "../../src/core/bytes.js";
import { type Formula, checkFormula } from "../../src/core/formula.js";

export const DIRECTORY = fileURLToPath(new URL("../../docs/vectors", import.meta.url));
export const RSA_FILES = ["threshold-rsa.json", "threshold-rsa-formulas.json", "threshold-rsa-4x4.json"] as const;
export const FILES = ["sharing.json", "coin.json", "tdh2.json", ...RSA_FILES] as const;

const bytes = z.string().transform((text, context): Uint8Array => {
  const value = fromHex(text);
  if (value !== undefined) return value;
  context.addIssue({ code: "custom", message: "not lower-case hexadecimal digits" });
  return z.NEVER;
});
const integer = z
  .string()
  .regex(/^(0|-?[1-9]\d*)$/)
  .transform(BigInt);
const party = z.number().int().min(0);
const formula = z.custom<Formula>((value) => checkFormula(value) === undefined);
const terms = z.array(z.strictObject({ leaf: z.number().int(), coefficient: integer }));
const sets = z.array(z.array(party)).min(1);
const invalidOnly = z.literal("invalid");
const why = z.string().min(1);
const head = { description: z.string().min(1), source: z.array(z.string()).min(1) };

const sharing = z.strictObject({
  ...head,
  format: z.literal("abcast-vectors/1 sharing"),
  modulus: integer,
  cases: z.array(
    z.strictObject({
      name: z.string(),
      formula,
      encoded: bytes,
      leaves: z.array(party),
      multiplier: integer,
      secret: integer,
      random: z.array(integer),
      shares: z.array(integer),
      sets: z.array(z.strictObject({ parties: z.array(party), integerTerms: terms, terms })).min(1),
      unqualified: sets,
    }),
  ),
  refused: z.array(z.strictObject({ why, formula: z.unknown(), verdict: invalidOnly })),
});

const sharedKey = z.strictObject({
  access: formula,
  secret: bytes,
  publicKey: bytes,
  secrets: z.array(bytes),
  verificationKeys: z.array(bytes),
});
export type SharedKeyVector = z.output<typeof sharedKey>;
const changeOfSharedKey = z.strictObject({
  publicKey: bytes.exactOptional(),
  verificationKeys: z.array(bytes).exactOptional(),
});
const sharedKeys = {
  keys: z.record(z.string(), sharedKey),
  refusedKeys: z.array(z.strictObject({ why, key: z.string(), change: changeOfSharedKey, verdict: invalidOnly })),
};
const provenShare = z.strictObject({
  party,
  elements: z.array(bytes),
  nonces: z.array(bytes),
  a: z.array(bytes),
  b: z.array(bytes),
  challenge: bytes,
  responses: z.array(bytes),
  share: bytes,
});
const combinations = z.array(z.strictObject({ parties: z.array(party), terms })).min(1);

const coin = z.strictObject({
  ...head,
  format: z.literal("abcast-vectors/1 coin"),
  ...sharedKeys,
  cases: z.array(
    z.strictObject({
      name: z.string(),
      key: z.string(),
      label: z.string(),
      bits: z.number().int(),
      coin: bytes,
      base: bytes,
      shares: z.array(provenShare),
      combinations,
      element: bytes,
      value: bytes,
      unqualified: sets,
      refusedShares: z.array(
        z.strictObject({
          why,
          label: z.string().exactOptional(),
          coin: bytes.optional(),
          party,
          share: bytes,
          verdict: invalidOnly,
        }),
      ),
    }),
  ),
});

const tdh2 = z.strictObject({
  ...head,
  format: z.literal("abcast-vectors/1 tdh2"),
  secondGenerator: bytes,
  ...sharedKeys,
  cases: z.array(
    z.strictObject({
      name: z.string(),
      key: z.string(),
      label: bytes,
      plaintext: bytes.optional(),
      r: bytes,
      s: bytes,
      u: bytes,
      uBar: bytes,
      sharedElement: bytes,
      bodyKey: bytes,
      body: bytes,
      bodyDigest: bytes,
      w: bytes,
      wBar: bytes,
      e: bytes,
      f: bytes,
      ciphertext: bytes,
      digest: bytes,
      shares: z.array(provenShare),
      combinations,
      decryption: z.enum(["plaintext", "undecryptable"]),
      unqualified: sets,
      refusedCiphertexts: z.array(
        z.strictObject({
          why,
          label: bytes.optional(),
          key: z.string().optional(),
          ciphertext: bytes,
          verdict: invalidOnly,
        }),
      ),
      refusedShares: z.array(
        z.strictObject({
          why,
          label: bytes.optional(),
          ciphertext: bytes.optional(),
          party,
          share: bytes,
          verdict: invalidOnly,
        }),
      ),
    }),
  ),
});

const rsaKey = z.strictObject({
  protocol: z.union([z.literal(1), z.literal(2)]),
  access: formula,
  p: bytes,
  q: bytes,
  modulus: bytes,
  exponent: z.number().int(),
  sharedExponent: bytes,
  multiplier: integer,
  verificationBase: bytes,
  nonResidue: bytes,
  secretBytes: z.number().int(),
  secrets: z.array(bytes),
  verificationKeys: z.array(bytes),
  digest: bytes,
});
export type RsaKeyVector = z.output<typeof rsaKey>;

const changeOfRsaKey = z.strictObject({
  modulus: bytes.exactOptional(),
  exponent: z.number().exactOptional(),
  verificationBase: bytes.exactOptional(),
  nonResidue: bytes.exactOptional(),
  verificationKeys: z.array(bytes).exactOptional(),
});

const rsa = z.strictObject({
  ...head,
  format: z.literal("abcast-vectors/1 threshold-rsa"),
  keys: z.record(z.string(), rsaKey),
  refusedKeys: z.array(z.strictObject({ why, key: z.string(), change: changeOfRsaKey, verdict: invalidOnly })),
  cases: z.array(
    z.strictObject({
      name: z.string(),
      key: z.string(),
      message: bytes,
      padded: bytes,
      jacobi: z.union([z.literal(1), z.literal(-1)]),
      x: bytes,
      base: bytes,
      shares: z.array(
        z.strictObject({
          party,
          share: bytes,
          nonceKey: bytes.optional(),
          seed: bytes.optional(),
          nonces: z.array(bytes).optional(),
          commitments: z.array(bytes).optional(),
          challenge: bytes.optional(),
          responses: z.array(bytes).optional(),
          proof: bytes,
        }),
      ),
      combinations: z
        .array(
          z.strictObject({
            parties: z.array(party),
            terms,
            gcd: integer,
            root: bytes,
            rootExponent: integer,
            a: integer,
            b: integer,
          }),
        )
        .min(1),
      signature: bytes,
      unqualified: sets,
      refusedShares: z.array(
        z.strictObject({
          why,
          message: bytes.optional(),
          party,
          share: bytes,
          verdict: z.enum(["invalid", "unproven"]),
        }),
      ),
      refusedSignatures: z.array(
        z.strictObject({ why, message: bytes.optional(), signature: bytes, verdict: invalidOnly }),
      ),
    }),
  ),
});

export type RsaFile = z.output<typeof rsa>;

export function readText(name: string): string {
  return readFileSync(`${DIRECTORY}/${name}`, "utf8");
}

export const readSharing = () => sharing.parse(JSON.parse(readText("sharing.json")));
export const readCoin = () => coin.parse(JSON.parse(readText("coin.json")));
export const readTdh2 = () => tdh2.parse(JSON.parse(readText("tdh2.json")));
export const readRsa = (name: (typeof RSA_FILES)[number]): RsaFile => rsa.parse(JSON.parse(readText(name)));
