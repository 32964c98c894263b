/** A time stamp by RFC 3161: the request, and what of the reply the page can tell without the authority's certificate. */
import { equalBytes, toHex } from "../../core/bytes.js";
import type { Decoded } from "../../core/codec.js";
import {
  type DerReader,
  NULL,
  TAG,
  TRUE,
  constructed,
  integer,
  octetString,
  oid,
  readDer,
  sequence,
  unsigned,
} from "../../core/der.js";

const SHA256 = oid("2.16.840.1.101.3.4.2.1");
const SIGNED_DATA = oid("1.2.840.113549.1.7.2");
const TST_INFO = oid("1.2.840.113549.1.9.16.1.4");
const MAX_SERIAL_BYTES = 20;

function imprintOf(digest: Uint8Array): Uint8Array {
  return sequence(sequence(SHA256, NULL), octetString(digest));
}

/** TimeStampReq (section 2.4.1), with certReq. `digest`: SHA-256; `nonce`: random bytes. */
export function timeStampQuery(digest: Uint8Array, nonce: Uint8Array): Uint8Array {
  return sequence(integer(1), imprintOf(digest), unsigned(nonce), TRUE);
}

export interface TimeStamp {
  /** As the token has it, such as `20260729120000.123Z`. */
  readonly genTime: string;
  /** Hexadecimal. */
  readonly serial: string;
}

/**
 * What the token of a granted reply says. Total. A reply for another digest or nonce is an error. The signature is not checked:
 * that takes a certificate that the user trusts, and a program that knows RFC 3161.
 */
export function readTimeStamp(reply: Uint8Array, digest: Uint8Array, nonce: Uint8Array): Decoded<TimeStamp> {
  return readDer(reply, (reader) =>
    reader.within(TAG.sequence, (response) => {
      const [status] = response.within(TAG.sequence, (info) => {
        const value = info.integer(4);
        while (!info.isAtEnd) info.element();
        return value;
      });
      if (status !== 0 && status !== 1) return response.fail("the authority refuses the request");
      return response.within(TAG.sequence, (token) => {
        expectEqual(token, token.oid(), SIGNED_DATA, "no signed data");
        return token.within(constructed(0), (content) => content.within(TAG.sequence, signedData));
      });
    }),
  );

  function signedData(reader: DerReader): TimeStamp {
    reader.integer(4);
    reader.element(TAG.set);
    const info = reader.within(TAG.sequence, (content) => {
      expectEqual(content, content.oid(), TST_INFO, "no time stamp");
      return content.within(constructed(0), (wrapped) => wrapped.content(TAG.octetString));
    });
    while (!reader.isAtEnd) reader.element();
    const read = readDer(info, (inner) => inner.within(TAG.sequence, timeStampInfo));
    return read.ok ? read.value : reader.fail(read.error);
  }

  /** TSTInfo (section 2.4.2). */
  function timeStampInfo(reader: DerReader): TimeStamp {
    reader.integer(4);
    reader.oid();
    expectEqual(reader, reader.element(TAG.sequence), imprintOf(digest), "a time stamp of another document");
    const serial = toHex(reader.integer(MAX_SERIAL_BYTES));
    const genTime = String.fromCharCode(...reader.content(TAG.generalizedTime));
    const rest: Uint8Array[] = [];
    while (!reader.isAtEnd) rest.push(reader.element());
    if (!rest.some((element) => equalBytes(element, unsigned(nonce)))) reader.fail("a reply to another request");
    return { genTime, serial };
  }
}

function expectEqual(reader: DerReader, found: Uint8Array, wanted: Uint8Array, problem: string): void {
  if (!equalBytes(found, wanted)) reader.fail(problem);
}

/** `20260729120000.123456Z` as milliseconds since 1970; undefined when it is none. */
export function genTimeMs(genTime: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d+))?Z$/.exec(genTime);
  if (parts === null) return undefined;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const fraction = Number(`0.${parts[7] ?? "0"}`);
  return Date.UTC(year, month - 1, day, hour, minute, second) + Math.floor(fraction * 1000);
}
