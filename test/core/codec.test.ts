import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, join, piecesAfter, sizeOfPieces, utf8 } from "../../src/core/bytes.js";
import {
  atMost,
  byteStrings,
  bytes,
  choice,
  type Codec,
  decode,
  encode,
  encodePieces,
  EncodeError,
  fixedBytes,
  list,
  optional,
  refine,
  struct,
  text,
  u8,
  u32,
  u64,
  union,
} from "../../src/core/codec.js";
import { PartySet, partySetCodec } from "../../src/core/party-set.js";

/** Bytes one to three small edits away from an encoding. */
function mutation(encoded: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ at: fc.nat(200), remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 3 }) });
  return fc.tuple(encoded, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([start, edits]) =>
    edits.reduce((current, { at, remove, insert }) => {
      const offset = at % (current.length + 1);
      return concat(current.subarray(0, offset), insert, current.subarray(offset + remove));
    }, start),
  );
}

/** The three promises of a codec: it gives back what it took, it is canonical, it is total. */
function keepsItsPromises<T>(
  codec: Codec<T>,
  values: fc.Arbitrary<T>,
  equal = (a: T, b: T) => expect(a).toEqual(b),
): void {
  fc.assert(
    fc.property(values, (value) => {
      const decoded = decode(codec, encode(codec, value));
      if (!decoded.ok) throw new Error(decoded.error);
      equal(decoded.value, value);
    }),
  );
  const hostile = fc.oneof(fc.uint8Array({ maxLength: 200 }), mutation(values.map((value) => encode(codec, value))));
  fc.assert(
    fc.property(hostile, (input) => {
      const decoded = decode(codec, input);
      if (decoded.ok) expect(encode(codec, decoded.value)).toEqual(input);
      else expect(decoded.error).not.toBe("");
    }),
    { numRuns: 500 },
  );
  // A proper prefix of an encoding is never one: nothing is read that is not there.
  fc.assert(
    fc.property(values, fc.nat(), (value, cut) => {
      const encoded = encode(codec, value);
      if (encoded.length > 0) expect(decode(codec, encoded.subarray(0, cut % encoded.length)).ok).toBe(false);
    }),
  );
}

const pair = struct({ left: u8, right: bytes(5) });
const shape = union({
  point: struct({}),
  disc: struct({ radius: u32 }),
  label: struct({ text: text(20), marks: list(u8, 4) }),
});
const anyText = fc.string({ unit: "binary", maxLength: 5 }).filter((value) => !/\p{Surrogate}/u.test(value));

describe("codecs give back, are canonical, are total", () => {
  it("u8", () => keepsItsPromises(u8, fc.nat(255)));
  it("u32", () => keepsItsPromises(u32, fc.nat(0xffff_ffff)));
  it("u64", () => keepsItsPromises(u64, fc.maxSafeNat()));
  it("fixedBytes", () => keepsItsPromises(fixedBytes(7), fc.uint8Array({ minLength: 7, maxLength: 7 })));
  it("bytes", () => keepsItsPromises(bytes(50), fc.uint8Array({ maxLength: 50 })));
  it("text", () => keepsItsPromises(text(20), anyText));
  it("list", () =>
    keepsItsPromises(
      list(pair, 6),
      fc.array(fc.record({ left: fc.nat(255), right: fc.uint8Array({ maxLength: 5 }) }), { maxLength: 6 }),
    ));
  it("byteStrings", () =>
    keepsItsPromises(byteStrings(5, 6), fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 6 }), (a, b) => {
      expect([...a]).toEqual([...b]);
      expect(a.length).toBe(b.length);
      const numbered = (each: Uint8Array, index: number): string => `${index}: ${each.join()}`;
      expect(a.map(numbered)).toEqual([...b].map(numbered));
    }));
  it("struct", () => keepsItsPromises(pair, fc.record({ left: fc.nat(255), right: fc.uint8Array({ maxLength: 5 }) })));
  it("union", () =>
    keepsItsPromises(
      shape,
      fc.oneof(
        fc.constant({ kind: "point" as const }),
        fc.record({ kind: fc.constant("disc" as const), radius: fc.nat(0xffff_ffff) }),
        fc.record({
          kind: fc.constant("label" as const),
          text: anyText,
          marks: fc.array(fc.nat(255), { maxLength: 4 }),
        }),
      ),
    ));
  it("refine", () =>
    keepsItsPromises(
      refine(u8, (value) => (value % 2 === 0 ? undefined : "odd")),
      fc.nat(127).map((half) => 2 * half),
    ));
  it("optional", () => keepsItsPromises(optional(u8), fc.option(fc.nat(255), { nil: undefined })));
  it("choice", () => keepsItsPromises(choice("yes", "no", "later"), fc.constantFrom("yes", "no", "later")));
  it("party sets", () =>
    keepsItsPromises(
      partySetCodec,
      fc.array(fc.nat(255)).map((parties) => PartySet.of(parties)),
      (a, b) => expect([...a]).toEqual([...b]),
    ));
});

describe("byteStrings", () => {
  const anyStrings = fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 6 });

  it("are written as a list of byte strings", () => {
    fc.assert(
      fc.property(anyStrings, (strings) => {
        expect(encode(byteStrings(5, 6), strings)).toEqual(encode(list(bytes(5), 6), strings));
      }),
    );
  });

  it.each<[string, readonly number[], string]>([
    ["too many", [0, 0, 0, 3, 0, 0, 0, 0], "3 items above the bound of 2"],
    ["one that is too long", [0, 0, 0, 1, 0, 0, 0, 4, 1, 1, 1, 1], "4 bytes above the bound of 3"],
    ["one that is not there", [0, 0, 0, 1, 0, 0, 0, 2, 1], "truncated: 2 bytes wanted at offset 8 of 9"],
    ["a length that is not there", [0, 0, 0, 2, 0, 0, 0, 0], "truncated: 4 bytes wanted at offset 8 of 8"],
  ])("that have %s are refused when they are read, not when they are used", (_, input, error) => {
    expect(decode(byteStrings(3, 2), Uint8Array.from(input))).toEqual({ ok: false, error });
  });

  it("are not written above their bounds", () => {
    expect(() => encode(byteStrings(3, 2), [new Uint8Array(4)])).toThrow(EncodeError);
    expect(() => encode(byteStrings(3, 1), [new Uint8Array(1), new Uint8Array(1)])).toThrow(EncodeError);
  });
});

/** Long byte strings, short ones, and lists that outgrow a slab. */
describe("encodePieces", () => {
  const codec = list(bytes(40_000), 3_000);
  const sizes = fc.array(fc.oneof(fc.nat(40), fc.integer({ min: 4_000, max: 40_000 })), { maxLength: 12 });

  it("gives in pieces what encode gives in one", () => {
    fc.assert(
      fc.property(sizes, fc.nat(2_500), (lengths, many) => {
        const values = [
          ...lengths.map((length, index) => new Uint8Array(length).fill(index)),
          ...Array(many).fill(utf8("abcd")),
        ];
        const pieces = encodePieces(codec, values);
        // Others use the writer's memory again.
        for (let count = 0; count < 3; count++)
          encode(codec, [new Uint8Array(3_000).fill(255), new Uint8Array(30_000)]);
        expect(Buffer.compare(concat(...pieces), encode(codec, values))).toBe(0);
        expect(sizeOfPieces(pieces)).toBe(4 + values.reduce((sum, { length }) => sum + 4 + length, 0));
      }),
      { numRuns: 50 },
    );
  });

  it("does not copy what is long; encode does", () => {
    const long = new Uint8Array(10_000).fill(7);
    expect(encodePieces(codec, [utf8("a"), long, utf8("b")])[1]).toBe(long);
    const one = encode(codec, [long]);
    long.fill(8);
    expect(one[8]).toBe(7);
  });

  it("are joined however many there are: a call takes only so many arguments", () => {
    expect(join(Array(200_000).fill(Uint8Array.of(7))).length).toBe(200_000);
  });

  it("gives what comes after a part of it", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 })), fc.nat(60), (pieces, sizeBytes) => {
        expect(concat(...piecesAfter(pieces, sizeBytes))).toEqual(concat(...pieces).subarray(sizeBytes));
      }),
    );
  });
});

describe("encodings", () => {
  it("are big-endian, length-prefixed, in the order of the fields", () => {
    expect([...encode(u32, 0x01020304)]).toEqual([1, 2, 3, 4]);
    expect([...encode(u64, 2 ** 53 - 1)]).toEqual([0, 0x1f, 255, 255, 255, 255, 255, 255]);
    expect([...encode(pair, { right: Uint8Array.of(9), left: 7 })]).toEqual([7, 0, 0, 0, 1, 9]);
    expect([...encode(shape, { kind: "label", text: "é", marks: [5] })]).toEqual([
      2, 0, 0, 0, 2, 0xc3, 0xa9, 0, 0, 0, 1, 5,
    ]);
    expect([...encode(partySetCodec, PartySet.of([0, 9]))]).toEqual([2, 1, 2]);
  });

  it("may be larger than the writer's first buffer", () => {
    const large = new Uint8Array(100_000).map((_, index) => index);
    expect(decode(bytes(100_000), encode(bytes(100_000), large))).toEqual({ ok: true, value: large });
  });
});

describe("decode refuses", () => {
  it.each<[string, Codec<unknown>, readonly number[], string]>([
    ["what is cut off", u32, [0, 0, 0], "truncated: 4 bytes wanted at offset 0 of 3"],
    ["what is left over", u8, [1, 2], "1 bytes left over at offset 1"],
    ["an integer above 2^53-1", u64, [0, 0x20, 0, 0, 0, 0, 0, 0], "integer 9007199254740992 above 2^53-1"],
    ["bytes above their bound, before it reads them", bytes(3), [0, 0, 0, 4], "4 bytes above the bound of 3"],
    ["4 GiB that are not there", bytes(0xffff_ffff), [255, 255, 255, 255], "truncated: 4294967295 bytes wanted"],
    ["too many items", list(u8, 2), [0, 0, 0, 3, 1, 1, 1], "3 items above the bound of 2"],
    ["a variant that does not exist", shape, [3], "no variant 3 of 3"],
    ["a truncated UTF-8 sequence", text(9), [0, 0, 0, 1, 0xc3], "not UTF-8"],
    ["an overlong UTF-8 sequence", text(9), [0, 0, 0, 2, 0xc0, 0x80], "not UTF-8"],
    ["a surrogate in UTF-8", text(9), [0, 0, 0, 3, 0xed, 0xa0, 0x80], "not UTF-8"],
    ["what the refinement refuses", atMost(u8, 5), [6], "6 above the bound of 5"],
    ["a party set with a trailing zero byte", partySetCodec, [2, 1, 0], "trailing zero byte"],
    ["a party set beyond the largest group", partySetCodec, [33], "party set of 33 bytes"],
  ])("%s", (_, codec, input, error) => {
    const decoded = decode(codec, Uint8Array.from(input));
    expect(decoded).toMatchObject({ ok: false });
    if (!decoded.ok) expect(decoded.error).toContain(error);
  });

  it("nothing at a byte order mark: it is text like any other", () => {
    expect(decode(text(9), encode(text(9), "\ufeffa"))).toEqual({ ok: true, value: "\ufeffa" });
  });

  it("as a value, but passes the reader's own defects on", () => {
    const broken: Codec<number> = {
      write: () => {},
      read: () => {
        throw new TypeError("a defect");
      },
    };
    expect(() => decode(broken, new Uint8Array())).toThrow(TypeError);
  });
});

describe("encode refuses what decode would not give back", () => {
  it.each<[string, () => unknown]>([
    ["a number above the range", () => encode(u8, 256)],
    ["a negative number", () => encode(u32, -1)],
    ["a fraction", () => encode(u32, 1.5)],
    ["not a number", () => encode(u64, Number.NaN)],
    ["an unsafe integer", () => encode(u64, 2 ** 53)],
    ["bytes of another size", () => encode(fixedBytes(2), new Uint8Array(3))],
    ["bytes above the bound", () => encode(bytes(2), new Uint8Array(3))],
    ["text above the bound in bytes", () => encode(text(3), "éé")],
    ["a lone surrogate", () => encode(text(9), "\ud800")],
    ["too many items", () => encode(list(u8, 1), [1, 2])],
    ["an unknown variant", () => encode(shape, { kind: "square" } as never)],
    ["what the refinement refuses", () => encode(atMost(u8, 5), 6)],
  ])("%s", (_, attempt) => {
    expect(attempt).toThrow(EncodeError);
  });
});

it("byte fields are views of the input, which costs nothing", () => {
  const input = Uint8Array.of(7, 0, 0, 0, 1, 9);
  const decoded = decode(pair, input);
  if (!decoded.ok) throw new Error(decoded.error);
  expect(decoded.value.right.buffer).toBe(input.buffer);
  expect(decode(text(4), concat(Uint8Array.of(0, 0, 0, 2), utf8("ok")))).toEqual({ ok: true, value: "ok" });
});

describe("writers are used again", () => {
  const message = bytes(20_000);

  it("and no encoding changes when others are made after it", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(6000), { minLength: 2, maxLength: 30 }), (sizes) => {
        const values = sizes.map((size, index) => new Uint8Array(size).fill(index + 1));
        const encodings = values.map((value) => encode(message, value));
        const decoded = encodings.map((encoding) => decode(message, encoding));
        expect(decoded).toEqual(values.map((value) => ({ ok: true, value })));
      }),
      { numRuns: 10 },
    );
  });

  it("after an error without what had been written", () => {
    expect(() => encode(pair, { left: 7, right: new Uint8Array(6) })).toThrow(EncodeError);
    expect(() => encode(list(bytes(9_000), 9), [new Uint8Array(9_000), new Uint8Array(9_001)])).toThrow(EncodeError);
    expect([...encode(u8, 3)]).toEqual([3]);
  });

  it("but not while they are at work: a codec may encode in turn", () => {
    const nested: Codec<number> = {
      write: (writer, value) => {
        writer.u8(value);
        const inner = encode(u8, value + 1);
        writer.u8(inner.length);
        writer.raw(inner);
      },
      read: (reader) => reader.u8(),
    };
    expect([...encode(nested, 5)]).toEqual([5, 1, 6]);
  });
});
