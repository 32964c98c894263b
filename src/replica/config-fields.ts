/** Fields of configuration files: how bytes, certificates, keys and ports stand in JSON. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { z } from "zod";
import { fromBase64, toBase64 } from "../core/base64.js";
import { fromHex, toHex } from "../core/bytes.js";
import { isOid } from "../core/der.js";
import { type Formula, checkFormula } from "../core/formula.js";

const MAX_PEM_CHARACTERS = 16 * 1024;

interface TextForm {
  readonly name: string;
  read(text: string): Uint8Array | undefined;
  write(bytes: Uint8Array): string;
}

/** Text in the file, bytes in the program. */
function bytesField(minBytes: number, maxBytes: number, form: TextForm) {
  const range = minBytes === maxBytes ? `${minBytes}` : `${minBytes} to ${maxBytes}`;
  return z.codec(
    z.string(),
    z.custom<Uint8Array>((value) => value instanceof Uint8Array),
    {
      decode(text, context) {
        // The bound comes before decoding: neither form needs more than two characters and padding per byte.
        const bytes = text.length > 2 * maxBytes + 4 ? undefined : form.read(text);
        if (bytes !== undefined && bytes.length >= minBytes && bytes.length <= maxBytes) return bytes;
        context.issues.push({ code: "custom", input: text, message: `must be ${range} bytes in ${form.name}` });
        return z.NEVER;
      },
      encode: (bytes) => form.write(bytes),
    },
  );
}

/** Canonical base64 of `minBytes` to `maxBytes` bytes. */
export function base64Field(minBytes: number, maxBytes = minBytes) {
  return bytesField(minBytes, maxBytes, { name: "base64", read: fromBase64, write: toBase64 });
}

/** Lower-case hexadecimal of exactly `sizeBytes` bytes. */
export function hexField(sizeBytes: number) {
  return bytesField(sizeBytes, sizeBytes, { name: "lower-case hexadecimal", read: fromHex, write: toHex });
}

/** A monotone formula over parties: {"threshold": k, "of": [...]}, or a party. */
export const formulaField = z.codec(
  z.unknown(),
  z.custom<Formula>((value) => checkFormula(value) === undefined),
  {
    decode(value, context) {
      const message = checkFormula(value);
      // The check is what makes it a formula.
      if (message === undefined) return value as Formula;
      context.issues.push({ code: "custom", input: value, message });
      return z.NEVER;
    },
    encode: (formula) => formula,
  },
);

/** A whole number within bounds that the message names. */
export function wholeField(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}

export const portField = wholeField(1, 65535);

/** A host name, an IPv4 or an IPv6 address without brackets. */
export const hostField = z
  .string()
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$|^[0-9A-Fa-f:.]{2,45}$/,
    "must be a host name or an IP address",
  );

/** A party's name: for people, file names and certificates. */
export const nameField = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    'must be 1 to 63 letters, digits, ".", "_" or "-" and begin with a letter or digit',
  );

/** An object identifier in dots and decimals. */
export const oidField = z
  .string()
  .refine(isOid, "must be an object identifier in decimals with dots, such as 1.3.6.1.4.1.32473.1");

export const serviceNameField = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be 1 to 32 lower-case letters, digits or "-" and begin with a letter');

function parses(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}

function singlePem(label: string, pem: string): boolean {
  return (
    pem.length <= MAX_PEM_CHARACTERS &&
    pem.startsWith(`-----BEGIN ${label}-----\n`) &&
    pem.split("-----BEGIN ").length === 2
  );
}

/** One X.509 certificate in PEM, with a key that OpenSSL knows. */
export const certificateField = z
  .string()
  .refine(
    (pem) => singlePem("CERTIFICATE", pem) && parses(() => new X509Certificate(pem).publicKey),
    "must be one X.509 certificate in PEM",
  );

/** One unencrypted private key in PEM (PKCS #8). */
export const privateKeyField = z
  .string()
  .refine(
    (pem) => singlePem("PRIVATE KEY", pem) && parses(() => createPrivateKey(pem)),
    "must be one unencrypted PKCS #8 private key in PEM",
  );
