import type { Invalid } from "../scheme.js";

/** What comes of opening something that was encrypted. */
export type Opening = { readonly kind: "opened"; readonly plaintext: Uint8Array } | Invalid;

/** A generous bound for what a ceremony encrypts: the secrets of one party, or one dealer's shares for it. */
export const MAX_PLAINTEXT_BYTES = 1 << 20;
