/** PEM (RFC 7468), as far as a public key in a file needs it. */
import { fromBase64 } from "../core/base64.js";

/** The DER bytes of the one "PUBLIC KEY" block in `pem`, or undefined when there is no such block. */
export function publicKeyFromPem(pem: string): Uint8Array | undefined {
  const body = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(pem)?.[1];
  return body === undefined ? undefined : fromBase64(body.replace(/\s/g, ""));
}
