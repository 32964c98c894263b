import { generateKeyPairSync, sign } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import {
  type Award,
  decodeAward,
  decodeBids,
  encodeAward,
  encodeBids,
  encodeTerms,
  type ListedBid,
} from "../../src/services/bidding/index.js";
import { type AwardFile, formatAward, parseAward, ReceiptKeyError, verifyAward } from "../../src/verify/index.js";
import { CLUSTER, keyOf, OWNER, sha256, TERMS, World } from "../services/bidding/support.js";

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const receiptKeySpki = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));

/** What the group signs, whatever it is: to try what no honest replica would sign. */
function signed(statement: Uint8Array, terms: Uint8Array, bids: Uint8Array): AwardFile {
  return { statement, signature: new Uint8Array(sign("sha256", statement, privateKey)), terms, bids };
}

function valueOf<T>(
  decoded: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string },
) {
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.value;
}

let file: AwardFile;
let award: Award;
let bids: readonly ListedBid[];
beforeAll(() => {
  const world = new World();
  world.create(TERMS.second);
  world.bidSealed(1, 1, 1, 50);
  world.bidSealed(1, 2, 1, 70);
  world.bidSealed(1, 3, 1, 9);
  world.ask(OWNER, { kind: "close", auction: 1, counter: 1 });
  world.settle();
  const reply = world.ask(1, { kind: "award", auction: 1 });
  if (reply.kind !== "award") throw new Error(reply.kind);
  bids = world.bids(1);
  file = signed(reply.statement, encodeTerms(TERMS.second), encodeBids(bids));
  award = valueOf(decodeAward(reply.statement));
});

const check = (of: AwardFile, cluster: Uint8Array = CLUSTER) => verifyAward({ file: of, receiptKeySpki, cluster });

/** The award of other bids, or with other fields; signed, with digests that are right. */
function lie(changed: Partial<Award>, list: readonly ListedBid[] = bids): AwardFile {
  const encoded = encodeBids(list);
  return signed(encodeAward({ ...award, bids: sha256(encoded), ...changed }), file.terms, encoded);
}

describe("an award", () => {
  it("is valid as the group signed it, and as it comes out of a file", async () => {
    const parsed = valueOf(parseAward(formatAward(file)));
    const verdict = await check(parsed);
    expect(verdict).toMatchObject({ valid: true, award: { won: { bid: 2, price: 50, winner: keyOf(2) } } });
    expect(verdict.valid && verdict.bids).toEqual(bids);
  });

  it("is not valid with another signature, of another cluster, or with other terms or bids", async () => {
    const reasons: [AwardFile, string, Uint8Array?][] = [
      [{ ...file, signature: new Uint8Array(256) }, "signature"],
      [{ ...file, statement: encodeAward({ ...award, auction: 2 }) }, "signature"],
      [file, "cluster", new Uint8Array(32)],
      [{ ...file, terms: encodeTerms({ ...TERMS.second, reserve: 1 }) }, "terms"],
      [{ ...file, bids: encodeBids(bids.slice(0, 2)) }, "bids"],
      [{ ...file, statement: utf8("abcast-award/1\n") }, "malformed"],
    ];
    for (const [wrong, reason, cluster] of reasons)
      expect(await check(wrong, cluster)).toEqual({ valid: false, reason: expect.stringContaining(reason) as string });
  });

  it("is not valid when its outcome does not follow, or its bids are out of order, whoever signed it", async () => {
    const won = { winner: keyOf(2), bid: 2, price: 50 };
    const [first, second, third] = bids;
    if (first === undefined || second === undefined || third === undefined) throw new Error("three bids");
    const reasons: [AwardFile, string][] = [
      [lie({ won: { ...won, price: 51 } }), "lead to bid 2 at 50"],
      [lie({ won: { winner: keyOf(1), bid: 1, price: 50 } }), "lead to bid 2"],
      [lie({ won: { ...won, winner: keyOf(1) } }), "not the winner's"],
      [lie({ won: undefined }), "no winner"],
      [lie({}, [first, third, second]), "out of order"],
      [lie({}, [first, { ...second, sequence: first.sequence }, third]), "out of order"],
      [lie({ closedSequence: second.sequence }), "out of order"],
      [lie({ kind: "open" }), "terms"],
    ];
    for (const [wrong, reason] of reasons)
      expect(await check(wrong)).toEqual({ valid: false, reason: expect.stringContaining(reason) as string });
    expect(decodeBids(utf8("nothing")).ok).toBe(false);
    expect(
      await check(signed(encodeAward({ ...award, bids: sha256(utf8("x")) }), file.terms, utf8("x"))),
    ).toMatchObject({
      valid: false,
    });
  });

  it("needs a key", async () => {
    await expect(verifyAward({ file, receiptKeySpki: utf8("no key"), cluster: CLUSTER })).rejects.toThrow(
      ReceiptKeyError,
    );
  });
});

describe("a file that is no award", () => {
  it.each([
    ["", "JSON"],
    ["7", "not a JSON object"],
    ["{}", "fields"],
    ['{"format":"abcast-award/2","statement":"","signature":"","terms":"","bids":""}', "format"],
    ['{"format":"abcast-award/1","statement":"","signature":1,"terms":"","bids":""}', "base64"],
    ['{"format":"abcast-award/1","statement":"","signature":"","terms":"","bids":"","more":1}', "fields"],
    ["x".repeat(1024 * 1024 + 1), "longer"],
  ])("is refused: %.40s", (text, reason) => {
    const parsed = parseAward(text);
    expect(parsed.ok || parsed.error).toContain(reason);
  });
});
