import type { Invalid } from "../scheme.js";

/** What comes of opening something that was encrypted. */
export type Opening = { readonly kind: "opened"; readonly plaintext: Uint8Array } | Invalid;

/** A generous bound for what a ceremony encrypts: secrets of a party or client, and all that everybody knows of the cluster. */
export const MAX_PLAINTEXT_BYTES = 5 * 1024 * 1024;
