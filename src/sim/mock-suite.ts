/**
 * A stand-in for cryptography: fast, deterministic, and honest about shape. Shares, certificates and coins behave
 * as the real ones do towards the protocols (bound to party and statement, refused when altered), because the
 * simulated adversary has only its own parties' functions; against anybody else it protects nothing.
 */
import { concat, equalBytes, utf8 } from "../core/bytes.js";
import { type Codec, decode, encode, u32 } from "../core/codec.js";
import type { Group } from "../core/group.js";
import { type PartyId, PartySet, partySetCodec } from "../core/party-set.js";
import type { Certifier, Coin, Decryption, Suite } from "../core/suite.js";

const SHARE_BYTES = 16;

export interface MockSuiteOptions {
  /** "list": every share that makes a certificate, so that it names its signers, as Ed25519's. "one": as BLS's, of one signature's size. */
  readonly certificates?: "list" | "one";
  /** The bytes of a signature and of a share of a certificate, a multiple of four; 16 unless given. */
  readonly signatureBytes?: number;
  /** The bytes of a share of a coin or a plaintext, a multiple of four; 16 unless given. */
  readonly shareBytes?: number;
  /** Verdicts on certificates, shared by parties to save time. For bytes that nobody changes once they are made. */
  readonly verdicts?: Verdicts;
}

/** What a certifier's `verify` found of a statement and a certificate. */
interface Verdict {
  readonly use: string;
  readonly statement: Uint8Array;
  readonly isValid: boolean;
}

/** What was found of certificates, by where in memory they are: what is sent to many parties is verified once for all. */
export class Verdicts {
  readonly #known = new WeakMap<ArrayBufferLike, Map<number, Verdict>>();

  /** @param use what the certificate is for: quorums of one kind or another */
  of(use: string, statement: Uint8Array, certificate: Uint8Array, verify: () => boolean): boolean {
    let inBuffer = this.#known.get(certificate.buffer);
    if (inBuffer === undefined) this.#known.set(certificate.buffer, (inBuffer = new Map()));
    const place = certificate.byteOffset * 2 ** 20 + certificate.length;
    const known = inBuffer.get(place);
    if (known?.use === use && equalBytes(known.statement, statement)) return known.isValid;
    const isValid = verify();
    inBuffer.set(place, { use, statement, isValid });
    return isValid;
  }
}

/** The hash at work: four multiply–mix lanes. */
class Lanes {
  #a = 0x9e3779b9 | 0;
  #b = 0x85ebca6b | 0;
  #c = 0xc2b2ae35 | 0;
  #d = 0x27d4eb2f | 0;
  #sizeBytes = 0;

  /** Another hash that has absorbed the same. */
  fork(): Lanes {
    const fork = new Lanes();
    fork.#a = this.#a;
    fork.#b = this.#b;
    fork.#c = this.#c;
    fork.#d = this.#d;
    fork.#sizeBytes = this.#sizeBytes;
    return fork;
  }

  absorb(bytes: Uint8Array): this {
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index] ?? 0;
      a = Math.imul(a ^ byte, 0x01000193);
      b = (Math.imul(b ^ (a >>> 13), 0x5bd1e995) + byte) | 0;
      c = Math.imul(c + byte, 0xcc9e2d51) ^ (b >>> 15);
      d = (Math.imul(d ^ (c >>> 11), 0x1b873593) + a) | 0;
    }
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
    this.#sizeBytes += bytes.length;
    return this;
  }

  /** The first `sizeBytes` bytes of the digest, a multiple of four. */
  digest(sizeBytes: number): Uint8Array {
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    const digest = new Uint8Array(sizeBytes);
    for (let lane = 0; 4 * lane < sizeBytes; lane++) {
      a = Math.imul(a ^ (d >>> 15) ^ lane, 0x85ebca6b);
      b = Math.imul(b ^ (a >>> 13), 0xc2b2ae35);
      c = Math.imul(c ^ (b >>> 16), 0x27d4eb2f);
      d = Math.imul(d ^ (c >>> 14) ^ this.#sizeBytes, 0x165667b1);
      const word = a ^ b ^ c ^ d;
      digest[4 * lane] = word >>> 24;
      digest[4 * lane + 1] = word >>> 16;
      digest[4 * lane + 2] = word >>> 8;
      digest[4 * lane + 3] = word;
    }
    return digest;
  }
}

/** 32 bytes. Collisions do not occur by accident. */
export function mockHash(bytes: Uint8Array): Uint8Array {
  return new Lanes().absorb(bytes).digest(32);
}

function certificateCodec(signatureBytes: number): Codec<ReadonlyMap<PartyId, Uint8Array>> {
  return {
    write(writer, shares) {
      const parties = PartySet.of(shares.keys());
      partySetCodec.write(writer, parties);
      for (const party of parties) writer.raw(shares.get(party) ?? new Uint8Array(signatureBytes));
    },
    read(reader) {
      const shares = new Map<PartyId, Uint8Array>();
      for (const party of partySetCodec.read(reader)) shares.set(party, reader.raw(signatureBytes));
      return shares;
    },
  };
}

interface Shares {
  readonly own: (name: Uint8Array) => Uint8Array;
  readonly verify: (party: PartyId, name: Uint8Array, share: Uint8Array) => boolean;
}

/** What binds a ciphertext to its label, as the proof of a real one does; and inside, what tells whether it decrypts. */
const CIPHERTEXT_TAG_BYTES = 16;
const NONCE_BYTES = 4;

/** A ciphertext that passes the check under `label`, around any body: also one that does not decrypt. */
export function mockCiphertext(suiteSeed: number, label: Uint8Array, body: Uint8Array): Uint8Array {
  const begun = new Lanes().absorb(utf8(`${suiteSeed}ciphertext/${label.length}/`));
  return concat(begun.absorb(label).absorb(body).digest(CIPHERTEXT_TAG_BYTES), body);
}

/** What a client makes of `plaintext`; each `nonce` gives other bytes. */
export function encryptMock(suiteSeed: number, label: Uint8Array, plaintext: Uint8Array, nonce = 0): Uint8Array {
  const nonceBytes = encode(u32, nonce);
  const inner = concat(mockHash(plaintext).subarray(0, CIPHERTEXT_TAG_BYTES), plaintext);
  return mockCiphertext(suiteSeed, label, concat(nonceBytes, mask(suiteSeed, nonceBytes, inner)));
}

/** Its own inverse. */
function mask(suiteSeed: number, nonce: Uint8Array, bytes: Uint8Array): Uint8Array {
  const size = 4 * Math.ceil(bytes.length / 4);
  const stream = new Lanes()
    .absorb(utf8(`${suiteSeed}mask/`))
    .absorb(nonce)
    .digest(size);
  return bytes.map((byte, index) => byte ^ (stream[index] ?? 0));
}

function mockDecryption(group: Group, suiteSeed: number, { own, verify }: Shares): Decryption {
  const nameOf = (label: Uint8Array, ciphertext: Uint8Array): Uint8Array =>
    concat(encode(u32, label.length), label, ciphertext);
  const checkCiphertext = (label: Uint8Array, ciphertext: Uint8Array): boolean =>
    equalBytes(ciphertext, mockCiphertext(suiteSeed, label, ciphertext.subarray(CIPHERTEXT_TAG_BYTES)));
  return {
    checkCiphertext,
    share: (label, ciphertext) => {
      if (!checkCiphertext(label, ciphertext)) throw new RangeError("a share of an invalid ciphertext");
      return own(nameOf(label, ciphertext));
    },
    verifyShare: (party, label, ciphertext, share) => verify(party, nameOf(label, ciphertext), share),
    combine: (label, ciphertext, shares) => {
      const name = nameOf(label, ciphertext);
      const areValid = [...shares].every(([party, share]) => verify(party, name, share));
      if (!areValid || !group.hasHonest(PartySet.of(shares.keys()))) throw new RangeError("shares that do not suffice");
      const body = ciphertext.subarray(CIPHERTEXT_TAG_BYTES);
      const inner = mask(suiteSeed, body.subarray(0, NONCE_BYTES), body.subarray(NONCE_BYTES));
      const plaintext = inner.slice(CIPHERTEXT_TAG_BYTES);
      const tag = mockHash(plaintext).subarray(0, CIPHERTEXT_TAG_BYTES);
      return equalBytes(tag, inner.subarray(0, CIPHERTEXT_TAG_BYTES)) ? plaintext : undefined;
    },
  };
}

/** The functions of party `self`; `suiteSeed` takes the place of the dealer's randomness. */
export function mockSuite(group: Group, self: PartyId, suiteSeed: number, options: MockSuiteOptions = {}): Suite {
  const { certificates = "list", signatureBytes = SHARE_BYTES, shareBytes = SHARE_BYTES, verdicts } = options;
  const seed = utf8(String(suiteSeed));
  /** A hash that has absorbed what everything of one kind begins with. */
  const begin = (kind: string): Lanes => new Lanes().absorb(seed).absorb(utf8(kind));

  const shares = (use: string, sizeBytes: number): Shares => {
    const begun: Lanes[] = [];
    const of = (party: PartyId, name: Uint8Array): Uint8Array =>
      (begun[party] ??= begin(`${use}/${party}/`)).fork().absorb(name).digest(sizeBytes);
    const verify = (party: PartyId, name: Uint8Array, share: Uint8Array): boolean =>
      party < group.n && equalBytes(share, of(party, name));
    return { own: (name) => of(self, name), verify };
  };

  const listCodec = certificateCodec(signatureBytes);
  const listCertifier = (use: string, suffices: (set: PartySet) => boolean): Certifier => {
    const { own, verify } = shares(use, signatureBytes);
    const isValid = (statement: Uint8Array, certificate: Uint8Array): boolean => {
      const endorsements = decode(listCodec, certificate);
      if (!endorsements.ok || !suffices(PartySet.of(endorsements.value.keys()))) return false;
      for (const [party, share] of endorsements.value) if (!verify(party, statement, share)) return false;
      return true;
    };
    return {
      share: own,
      verifyShare: verify,
      sharesAreSignatures: true,
      combine: (_statement, endorsements) => encode(listCodec, endorsements),
      verify: (statement, certificate) =>
        verdicts?.of(use, statement, certificate, () => isValid(statement, certificate)) ??
        isValid(statement, certificate),
      signers: (certificate) => {
        const endorsements = decode(listCodec, certificate);
        return endorsements.ok ? PartySet.of(endorsements.value.keys()) : undefined;
      },
    };
  };

  const oneCertifier = (use: string, suffices: (set: PartySet) => boolean): Certifier => {
    const { own, verify } = shares(use, signatureBytes);
    const begun = begin(`${use}-certificate/`);
    const certificateOf = (statement: Uint8Array): Uint8Array => begun.fork().absorb(statement).digest(signatureBytes);
    return {
      share: own,
      verifyShare: verify,
      sharesAreSignatures: false,
      combine: (statement, endorsements) => {
        if (!suffices(PartySet.of(endorsements.keys()))) throw new RangeError("shares that do not suffice");
        return certificateOf(statement);
      },
      verify: (statement, certificate) => equalBytes(certificate, certificateOf(statement)),
    };
  };

  const coin = (use: string, suffices: (set: PartySet) => boolean): Coin => {
    const { own, verify } = shares(use, shareBytes);
    const value = begin(`${use}-value/`);
    return { suffices, share: own, verifyShare: verify, combine: (name) => value.fork().absorb(name).digest(32) };
  };

  const signatures = shares("signature", signatureBytes);
  const certifier = certificates === "list" ? listCertifier : oneCertifier;
  return {
    hash: mockHash,
    sign: signatures.own,
    verify: signatures.verify,
    quorumCertifier: certifier("quorum", (set) => group.isQuorum(set)),
    broadcastCertifier: certifier("broadcast", (set) => group.isBroadcastQuorum(set)),
    quorumCoin: coin("quorum-coin", (set) => group.isQuorum(set)),
    honestCoin: coin("honest-coin", (set) => group.hasHonest(set)),
    decryption: mockDecryption(group, suiteSeed, shares("decryption", shareBytes)),
  };
}
