/**
 * What verification needs of a cluster's public.json, for readers without Node: the cluster's name and its receipt key. The rest of the
 * file is not judged; `abcast verify`, and whoever runs a cluster, checks all of it.
 */
import { fromBase64 } from "../core/base64.js";
import type { Decoded } from "../core/codec.js";
import { bitString, integer, NULL, oid, sequence, unsigned } from "../core/der.js";
import { parseJson } from "../core/json.js";

export const MAX_PUBLIC_FILE_BYTES = 8 * 1024 * 1024;

const RSA_ENCRYPTION = oid("1.2.840.113549.1.1.1");
/** RSA from 2048 to 4096 bits. */
const MODULUS_BYTES = { least: 256, most: 512 } as const;

export interface VerificationKey {
  /** The cluster's identifier, 64 lower-case hexadecimal digits. */
  readonly cluster: string;
  /** DER SubjectPublicKeyInfo, for `verifyReceipt`. */
  readonly receiptKeySpki: Uint8Array;
}

/** Total; the error names the field. */
export function readVerificationKey(text: string): Decoded<VerificationKey> {
  if (text.length > MAX_PUBLIC_FILE_BYTES) return { ok: false, error: `longer than ${MAX_PUBLIC_FILE_BYTES} bytes` };
  const json = parseJson(text);
  if (!json.ok) return json;
  if (fieldOf(json.value, "format") !== "abcast-public/4") {
    return { ok: false, error: 'field "format": no public.json of a cluster' };
  }
  const cluster = fieldOf(json.value, "cluster");
  if (typeof cluster !== "string" || !/^[0-9a-f]{64}$/.test(cluster)) {
    return { ok: false, error: 'field "cluster": must be 64 lower-case hexadecimal digits' };
  }
  const receipt = fieldOf(fieldOf(json.value, "keys"), "receipt");
  const [modulus, exponent] = [fieldOf(receipt, "modulus"), fieldOf(receipt, "exponent")];
  const bytes = typeof modulus === "string" ? fromBase64(modulus) : undefined;
  if (bytes === undefined || bytes.length < MODULUS_BYTES.least || bytes.length > MODULUS_BYTES.most) {
    return { ok: false, error: 'field "keys.receipt.modulus": must be 256 to 512 bytes in base64' };
  }
  if (typeof exponent !== "number" || !Number.isSafeInteger(exponent) || exponent < 3) {
    return { ok: false, error: 'field "keys.receipt.exponent": must be a whole number, at least 3' };
  }
  return { ok: true, value: { cluster, receiptKeySpki: rsaSpki(bytes, exponent) } };
}

/** RFC 8017, appendix A.1.1, in RFC 5280, section 4.1. */
function rsaSpki(modulus: Uint8Array, exponent: number): Uint8Array {
  const key = sequence(unsigned(modulus), integer(exponent));
  return sequence(sequence(RSA_ENCRYPTION, NULL), bitString(key));
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}
