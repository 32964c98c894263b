/**
 * The notary: gives each document its number. Its state is the total order itself, so it keeps none.
 *
 * Verification of the client's signature comes in as a function, because services know no cryptography.
 */
import { equalBytes } from "../../core/bytes.js";
import type { Service } from "../service.js";
import type { DocumentDigest } from "./digest.js";
import { CLUSTER_ID_BYTES, decodeRequest, requestStatement } from "./payload.js";
import { encodeStatement } from "./statement.js";

/** What notarising a document gives; every replica gets the same. */
export interface NotaryEntry {
  readonly sequence: number;
  readonly round: number;
  readonly digest: DocumentDigest;
  /** The client's raw Ed25519 public key, 32 bytes. */
  readonly client: Uint8Array;
  /** What the receipt signature is on (statement.ts). */
  readonly statement: Uint8Array;
}

export interface NotaryOptions {
  /** The cluster's identifier, 32 bytes. */
  readonly cluster: Uint8Array;
  /** Whether this 32-byte Ed25519 key is a client's of this cluster. MUST be pure. */
  isClient(publicKey: Uint8Array): boolean;
  /** Whether `signature` is the client's on `statement`. MUST be pure and total. */
  verifyClient(publicKey: Uint8Array, statement: Uint8Array, signature: Uint8Array): boolean;
}

/** @throws RangeError when `cluster` has not 32 bytes. */
export function createNotary(options: NotaryOptions): Service<NotaryEntry> {
  const { cluster } = options;
  if (cluster.length !== CLUSTER_ID_BYTES) throw new RangeError(`a cluster identifier of ${cluster.length} bytes`);
  return {
    validate(payload) {
      const decoded = decodeRequest(payload);
      if (!decoded.ok) return false;
      const request = decoded.value;
      return (
        equalBytes(request.cluster, cluster) &&
        options.isClient(request.client) &&
        options.verifyClient(request.client, requestStatement(request), request.signature)
      );
    },

    apply({ sequence, round }, payload) {
      const decoded = decodeRequest(payload);
      if (!decoded.ok) throw new Error(`payload ${sequence} was ordered but is no request: ${decoded.error}`);
      // Copies, because the request's fields are views of a buffer that the replica reuses.
      const client = decoded.value.client.slice();
      const digest: DocumentDigest = { algorithm: "sha256", value: decoded.value.digest.value.slice() };
      const statement = encodeStatement({ cluster, sequence, round, digest, client });
      return { sequence, round, digest, client, statement };
    },
  };
}
