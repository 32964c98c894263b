/**
 * A stand-in for cryptography: fast, deterministic, and honest about shape. Shares, certificates and coins behave
 * as the real ones do towards the protocols (bound to party and statement, refused when altered), because the
 * simulated adversary has only its own parties' functions; against anybody else it protects nothing.
 */
import { concat, equalBytes, utf8 } from "../core/bytes.js";
import { type Codec, decode, encode } from "../core/codec.js";
import type { Group } from "../core/group.js";
import { type PartyId, PartySet, partySetCodec } from "../core/party-set.js";
import type { Certifier, Coin, Suite } from "../core/suite.js";

const SHARE_BYTES = 16;

/** 32 bytes; eight multiply–mix lanes. Collisions do not occur by accident. */
export function mockHash(bytes: Uint8Array): Uint8Array {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  let c = 0xc2b2ae35;
  let d = 0x27d4eb2f;
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ (a >>> 13), 0x5bd1e995) + byte;
    c = Math.imul(c + byte, 0xcc9e2d51) ^ (b >>> 15);
    d = Math.imul(d ^ (c >>> 11), 0x1b873593) + a;
  }
  const digest = new DataView(new ArrayBuffer(32));
  for (let lane = 0; lane < 8; lane++) {
    a = Math.imul(a ^ (d >>> 15) ^ lane, 0x85ebca6b);
    b = Math.imul(b ^ (a >>> 13), 0xc2b2ae35);
    c = Math.imul(c ^ (b >>> 16), 0x27d4eb2f);
    d = Math.imul(d ^ (c >>> 14) ^ bytes.length, 0x165667b1);
    digest.setUint32(4 * lane, a ^ b ^ c ^ d);
  }
  return new Uint8Array(digest.buffer);
}

const certificateCodec: Codec<ReadonlyMap<PartyId, Uint8Array>> = {
  write(writer, shares) {
    const parties = PartySet.of(shares.keys());
    partySetCodec.write(writer, parties);
    for (const party of parties) writer.raw(shares.get(party) ?? new Uint8Array(SHARE_BYTES));
  },
  read: (reader) => new Map([...partySetCodec.read(reader)].map((party) => [party, reader.raw(SHARE_BYTES)])),
};

/** The functions of party `self`; `suiteSeed` takes the place of the dealer's randomness. */
export function mockSuite(group: Group, self: PartyId, suiteSeed: number): Suite {
  const seed = utf8(String(suiteSeed));
  const shareOf = (use: string, party: PartyId, name: Uint8Array): Uint8Array =>
    mockHash(concat(seed, utf8(`${use}/${party}/`), name)).subarray(0, SHARE_BYTES);
  const verify = (use: string, party: PartyId, name: Uint8Array, share: Uint8Array): boolean =>
    party < group.n && equalBytes(share, shareOf(use, party, name));

  const certifier = (use: string, suffices: (set: PartySet) => boolean): Certifier => ({
    share: (statement) => shareOf(use, self, statement),
    verifyShare: (party, statement, share) => verify(use, party, statement, share),
    combine: (_statement, shares) => encode(certificateCodec, shares),
    verify: (statement, certificate) => {
      const shares = decode(certificateCodec, certificate);
      if (!shares.ok || !suffices(PartySet.of(shares.value.keys()))) return false;
      return [...shares.value].every(([party, share]) => verify(use, party, statement, share));
    },
  });

  const coin = (use: string): Coin => ({
    share: (name) => shareOf(use, self, name),
    verifyShare: (party, name, share) => verify(use, party, name, share),
    combine: (name) => mockHash(concat(seed, utf8(`${use}-value/`), name)),
  });

  return {
    hash: mockHash,
    sign: (statement) => shareOf("signature", self, statement),
    verify: (party, statement, signature) => verify("signature", party, statement, signature),
    quorumCertifier: certifier("quorum", (set) => group.isQuorum(set)),
    broadcastCertifier: certifier("broadcast", (set) => group.isBroadcastQuorum(set)),
    quorumCoin: coin("quorum-coin"),
    honestCoin: coin("honest-coin"),
  };
}
