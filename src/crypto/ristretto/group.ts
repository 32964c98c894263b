/**
 * The prime-order group ristretto255 (RFC 9496), computed by libsodium. `loadRistretto` is the only way to
 * it, so that nobody calls libsodium before it is ready. Scalars are 32 bytes little-endian.
 */
import sodium from "libsodium-wrappers-sumo";

export const ELEMENT_BYTES = 32;
export const SCALAR_BYTES = 32;
/** The group's order L = 2^252 + 27742317777372353535851937790883648493. */
export const GROUP_ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;

export interface Ristretto {
  /** Whether these bytes are the canonical encoding of an element other than the identity. Total. */
  isElement(bytes: Uint8Array): boolean;
  /** Whether these bytes are a scalar in 1..L-1. Total. */
  isScalar(bytes: Uint8Array): boolean;
  /** The element to which 64 uniform bytes map (RFC 9496, section 4.3.4). */
  elementFromHash(hash: Uint8Array): Uint8Array;
  /** 64 uniform bytes modulo L. */
  scalarFromHash(hash: Uint8Array): Uint8Array;
  /** g^scalar, for a scalar in 1..L-1. */
  basePower(scalar: Uint8Array): Uint8Array;
  /** element^scalar, for an element other than the identity and a scalar in 1..L-1. */
  power(element: Uint8Array, scalar: Uint8Array): Uint8Array;
  /** The group operation, written as a product. */
  multiply(a: Uint8Array, b: Uint8Array): Uint8Array;
  divide(a: Uint8Array, b: Uint8Array): Uint8Array;
  addScalars(a: Uint8Array, b: Uint8Array): Uint8Array;
  multiplyScalars(a: Uint8Array, b: Uint8Array): Uint8Array;
  /** Whether these bytes are an Ed25519 public key of order L, in canonical form. Total. */
  isEd25519Key(bytes: Uint8Array): boolean;
}

export async function loadRistretto(): Promise<Ristretto> {
  await sodium.ready;
  return {
    isElement: (bytes) =>
      bytes.length === ELEMENT_BYTES && !isZero(bytes) && sodium.crypto_core_ristretto255_is_valid_point(bytes),
    isScalar: (bytes) => bytes.length === SCALAR_BYTES && !isZero(bytes) && isBelowOrder(bytes),
    elementFromHash: (hash) => sodium.crypto_core_ristretto255_from_hash(hash),
    scalarFromHash: (hash) => sodium.crypto_core_ristretto255_scalar_reduce(hash),
    basePower: (scalar) => sodium.crypto_scalarmult_ristretto255_base(scalar),
    power: (element, scalar) => sodium.crypto_scalarmult_ristretto255(scalar, element),
    multiply: (a, b) => sodium.crypto_core_ristretto255_add(a, b),
    divide: (a, b) => sodium.crypto_core_ristretto255_sub(a, b),
    addScalars: (a, b) => sodium.crypto_core_ristretto255_scalar_add(a, b),
    multiplyScalars: (a, b) => sodium.crypto_core_ristretto255_scalar_mul(a, b),
    isEd25519Key: (bytes) => bytes.length === 32 && sodium.crypto_core_ed25519_is_valid_point(bytes),
  };
}

/** In ristretto255 the identity is encoded as 32 zero bytes. */
function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** libsodium's multiplication takes unreduced scalars too; a proof must have one form only. */
function isBelowOrder(scalar: Uint8Array): boolean {
  for (let i = SCALAR_BYTES - 1; i >= 0; i--) {
    const difference = (scalar[i] ?? 0) - (ORDER_BYTES[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Little-endian, for a number below 2^256. */
export function scalarToBytes(scalar: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(scalar.toString(16).padStart(2 * SCALAR_BYTES, "0"), "hex").reverse());
}

const ORDER_BYTES = scalarToBytes(GROUP_ORDER);
