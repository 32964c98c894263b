/**
 * The coin once more, from the description alone: over @noble/curves, with nothing of `src` but what is tested.
 */
import { createHash } from "node:crypto";
import { ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { describe, expect, test } from "vitest";
import { type Formula, allOf, anyOf, atLeast, thresholdFormula } from "../../../src/core/formula.js";
import { at, sharesOf } from "../fixtures.js";
import { dealCoin } from "./coins.js";

const { Point } = ristretto255;
type Element = InstanceType<typeof Point>;
const ORDER = Point.Fn.ORDER;

const text = (string: string): Buffer => Buffer.from(string, "utf8");
const u32 = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, "0"), "hex");
/** Each field after its length. */
const framed = (fields: readonly Uint8Array[]): Buffer =>
  Buffer.concat(fields.flatMap((field) => [u32(field.length), field]));
const sha512 = (...fields: readonly Uint8Array[]): Buffer => createHash("sha512").update(framed(fields)).digest();
const scalarOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
const scalarBytes = (scalar: bigint): Buffer => Buffer.from(scalar.toString(16).padStart(64, "0"), "hex").reverse();

const LABEL = "oracle";
const NAME = text("coin 7");
const CASES: readonly (readonly [string, Formula])[] = [
  ["2 of 3", thresholdFormula(2, 3)],
  ["nested, with several leaves a party", allOf([atLeast(2, [0, 1, 2]), anyOf([0, 2]), atLeast(2, [2, 1, 0, 0])])],
];

function baseOf(): Element {
  const hash = sha512(text("abcast/1 coin base"), text(LABEL), NAME);
  return ristretto255_hasher.deriveToCurve?.(hash) ?? expect.fail("the library derives no elements from hashes");
}

describe.each(CASES)("%s", (_name, access) => {
  const coin = dealCoin(access, { label: LABEL, bits: 300 });
  const leaves = [access].flatMap(function flatten(node: Formula): number[] {
    return typeof node === "number" ? [node] : node.of.flatMap(flatten);
  });
  /** Party 0's keys and secrets, leaf by leaf. */
  const own = (party: number) => {
    const secret = coin.secretOf(party);
    return leaves
      .map((owner, leaf) => ({ owner, key: at(coin.publicKey.verificationKeys, leaf) }))
      .filter(({ owner }) => owner === party)
      .map(({ key }, i) => ({ key, x: scalarOf(secret.subarray(32 * i, 32 * i + 32)) }));
  };

  test.each([0, 1, 2])("party %s's share: elements g~^x_j, and a proof that holds", (party) => {
    const share = coin.sharerOf(party).share(NAME);
    const mine = own(party);
    const base = baseOf();
    const part = (i: number): Uint8Array => share.subarray(32 * i, 32 * i + 32);
    expect(share.length).toBe(32 * (2 * mine.length + 1));

    const elements = mine.map(({ x }) => base.multiply(x));
    elements.forEach((element, j) => expect(Buffer.from(part(j))).toEqual(Buffer.from(element.toBytes())));

    const c = scalarOf(part(mine.length));
    const zs = mine.map((_, j) => scalarOf(part(mine.length + 1 + j)));
    const a = mine.map(({ key }, j) => Point.BASE.multiply(at(zs, j)).subtract(Point.fromBytes(key).multiply(c)));
    const b = elements.map((element, j) => base.multiply(at(zs, j)).subtract(element.multiply(c)));
    const hash = sha512(
      text("abcast/1 coin share proof"),
      u32(3),
      text(LABEL),
      u32(party),
      NAME,
      u32(mine.length),
      ...mine.map(({ key }) => key),
      ...[base, ...elements, ...a, ...b].map((element) => element.toBytes()),
    );
    expect(c).toBe(scalarOf(hash) % ORDER);
    expect(scalarBytes(c)).toEqual(Buffer.from(part(mine.length)));
    for (const { key, x } of mine) expect(Point.BASE.multiply(x).equals(Point.fromBytes(key))).toBe(true);
  });

  test("the coin: SHAKE256 of g~^x", () => {
    // x from the secrets of parties 0 and 1 or, in the second formula, from leaves 0 and 1 (2 of 3), 3 (OR), 6 and 7 (points 2 and 3 of 4).
    const x = (party: number, i: number): bigint => at(own(party), i).x;
    const secret =
      leaves.length === 3 ? 2n * x(0, 0) - x(1, 0) : 2n * x(0, 0) - x(1, 0) + x(0, 1) + (3n * x(1, 1) - 2n * x(0, 2));
    const material = baseOf().multiply(((secret % ORDER) + ORDER) % ORDER);
    const sizeBytes = 38;
    const value = createHash("shake256", { outputLength: sizeBytes })
      .update(framed([text("abcast/1 coin value"), text(LABEL), u32(300), NAME, material.toBytes()]))
      .digest();
    value[37] = at(value, 37) & 0x0f;
    const shares = sharesOf([0, 1, 2], (party) => coin.sharerOf(party).share(NAME));
    expect(Buffer.from(coin.scheme.combine(NAME, shares))).toEqual(value);
  });
});
