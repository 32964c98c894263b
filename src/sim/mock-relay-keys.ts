/** A stand-in for the cryptography of relaying, as mock-suite.ts is for the protocols': bound to party and bytes, and no secret. */
import { concat, equalBytes, utf8 } from "../core/bytes.js";
import type { PartyId } from "../core/party-set.js";
import type { RelayKeys } from "../core/relay-keys.js";
import { mockHash } from "./mock-suite.js";

export function mockRelayKeys(self: PartyId, seed: number): RelayKeys {
  const signature = (party: PartyId, statement: Uint8Array): Uint8Array => {
    const half = mockHash(concat(utf8(`${seed}relay/${party}/`), statement));
    return concat(half, mockHash(half));
  };
  const box = (to: PartyId, plaintext: Uint8Array): Uint8Array =>
    concat(mockHash(concat(utf8(`${seed}box/${to}/`), plaintext)), plaintext);
  return {
    sign: (statement) => signature(self, statement),
    verify: (party, statement, bytes) => equalBytes(bytes, signature(party, statement)),
    seal: box,
    open(sealed) {
      const plaintext = sealed.subarray(32);
      return equalBytes(sealed, box(self, plaintext)) ? plaintext : undefined;
    },
  };
}
