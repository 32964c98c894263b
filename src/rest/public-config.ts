/** What of public.json receipts are checked with (docs/files.md). Runs in a browser. */
import { fromBase64 } from "../core/base64.js";
import { bitString, der, oid, sequence, TAG, unsigned } from "../core/der.js";

/** As `JSON.parse` gives public.json, from a source that is trusted. */
export type PublicConfig = unknown;

export interface ReceiptKeyOf {
  /** The cluster's identifier, 64 hexadecimal digits. */
  readonly cluster: string;
  /** The cluster's RSA key, DER SubjectPublicKeyInfo. */
  readonly receiptKeySpki: Uint8Array;
}

/** rsaEncryption (RFC 8017, appendix A.1). */
const RSA = oid("1.2.840.113549.1.1.1");

/** @throws TypeError when it is no public file */
export function receiptKeyOf(config: PublicConfig): ReceiptKeyOf {
  const cluster = field(config, "cluster");
  const key = field(field(config, "keys"), "receipt");
  const [modulus, exponent] = [field(key, "modulus"), field(key, "exponent")];
  const modulusBytes = typeof modulus === "string" ? fromBase64(modulus) : undefined;
  const isExponent = typeof exponent === "number" && Number.isSafeInteger(exponent) && exponent > 0;
  if (typeof cluster !== "string" || !/^[0-9a-f]{64}$/.test(cluster) || modulusBytes === undefined || !isExponent)
    throw new TypeError(
      "not a cluster's public file: it needs cluster, keys.receipt.modulus and keys.receipt.exponent",
    );
  const rsaKey = sequence(unsigned(modulusBytes), unsigned(bytesOf(exponent)));
  return { cluster, receiptKeySpki: sequence(sequence(RSA, der(TAG.null)), bitString(rsaKey)) };
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

/** Big-endian. */
function bytesOf(number: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = number; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from(bytes);
}
