/** What a client's signature is on: all that comes before it in a payload, by its digest. */
import { describe, expect, it } from "vitest";
import { concat, utf8 } from "../../../src/core/bytes.js";
import { plainSha256 } from "../../../src/crypto/hashing.js";
import { createEd25519Signer, createEd25519Verifier } from "../../../src/crypto/index.js";
import { decodePayload, encodePayload, signRequest, type UnsignedRequest } from "../../../src/wire/payload.js";
import { CLUSTER, newMachine } from "./fixture.js";

const signer = createEd25519Signer(new Uint8Array(32).fill(5));
const other = createEd25519Signer(new Uint8Array(32).fill(6));
const verifiers = new Map(
  [signer, other].map(({ publicKey }) => [String(publicKey), createEd25519Verifier(publicKey)]),
);
const sign = (statement: Uint8Array): Uint8Array => signer.sign(statement);
const bytes = (length: number): Uint8Array => new Uint8Array(length).map((_, index) => index);

const unsigned: UnsignedRequest = {
  cluster: CLUSTER,
  client: signer.publicKey,
  session: { opened: 1000, nonce: bytes(8) },
  number: 7,
  acknowledged: 6,
  action: { kind: "calls", service: "list", operations: [bytes(3), bytes(5000), bytes(1)] },
};
const payload = signRequest(unsigned, { hash: plainSha256, sign });

function isAdmitted(some: Uint8Array): boolean {
  const machine = newMachine({ verifyClient: (key, ...of) => verifiers.get(String(key))?.(...of) === true });
  return machine.isValid(some) && machine.admission().identify(some) !== undefined;
}

describe("the signature of a request", () => {
  it("is on a domain line and SHA-256 of all that comes before it", () => {
    const { signature } = expectRequest(payload);
    expect(payload.subarray(-64)).toEqual(signature);
    const statement = concat(utf8("abcast/3 request\n"), plainSha256(payload.subarray(0, -64)));
    expect(createEd25519Verifier(signer.publicKey)(statement, signature)).toBe(true);
    expect(isAdmitted(payload)).toBe(true);
  });

  it.each<[string, Partial<UnsignedRequest>]>([
    ["client", { client: other.publicKey }],
    ["session's time", { session: { ...unsigned.session, opened: 1001 } }],
    ["session's nonce", { session: { ...unsigned.session, nonce: new Uint8Array(8) } }],
    ["number", { number: 8 }],
    ["acknowledgement", { acknowledged: 5 }],
    ["service", { action: { kind: "calls", service: "another", operations: [bytes(3), bytes(5000), bytes(1)] } }],
    [
      "order of operations",
      { action: { kind: "calls", service: "list", operations: [bytes(3), bytes(1), bytes(5000)] } },
    ],
    ["last operation", { action: { kind: "calls", service: "list", operations: [bytes(3), bytes(5000), bytes(2)] } }],
    ["number of operations", { action: { kind: "calls", service: "list", operations: [bytes(3), bytes(5000)] } }],
    ["kind of action", { action: { kind: "void" } }],
  ])("is of no request with another %s", (_, change) => {
    const { signature } = expectRequest(payload);
    expect(isAdmitted(encodePayload({ kind: "request", ...unsigned, ...change, signature }))).toBe(false);
    const owner = change.client === undefined ? signer : other;
    expect(
      isAdmitted(signRequest({ ...unsigned, ...change }, { hash: plainSha256, sign: (of) => owner.sign(of) })),
    ).toBe(true);
  });

  it("binds every byte, of itself, too", () => {
    const changed = (index: number): Uint8Array => payload.map((byte, at) => (at === index ? byte ^ 1 : byte));
    // Of the long operation some, of all else all.
    const places = [...payload.keys()].filter((at) => at < 300 || at > payload.length - 200 || at % 97 === 0);
    expect(places.filter((at) => isAdmitted(changed(at)))).toEqual([]);
  });

  it("is not one on the request itself, nor on a digest under another line", () => {
    const signedPart = payload.subarray(0, -64);
    const statements = [
      signedPart,
      concat(utf8("abcast/2 request\n"), signedPart.subarray(1)),
      concat(utf8("abcast/2 request\n"), plainSha256(signedPart)),
      concat(utf8("abcast/3 request\n"), plainSha256(payload)),
      plainSha256(signedPart),
    ];
    for (const statement of statements) expect(isAdmitted(concat(signedPart, sign(statement)))).toBe(false);
  });
});

function expectRequest(some: Uint8Array) {
  const decoded = decodePayload(some);
  if (!decoded.ok || decoded.value.kind !== "request") throw new Error("no request");
  return decoded.value;
}
