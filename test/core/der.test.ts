/** DER: one encoding for each value, against known encodings; and a reader that no bytes can throw off. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalBytes, fromHex, toHex } from "../../src/core/bytes.js";
import {
  bitString,
  constructed,
  der,
  type DerReader,
  integer,
  isOid,
  namedBit,
  octetString,
  oid,
  readDer,
  sequence,
  setOf,
  TAG,
  TRUE,
  unsigned,
} from "../../src/core/der.js";

fc.configureGlobal({ seed: 11 });

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();
const NOTHING = new Uint8Array();

describe("what is written", () => {
  it.each([
    [integer(0), "020100"],
    [integer(127), "02017f"],
    [integer(128), "02020080"],
    [integer(2 ** 53 - 1), "02071fffffffffffff"],
    [integer(2n ** 64n), "0209010000000000000000"],
    [integer(5, 0x80), "800105"],
    [unsigned(Uint8Array.of(0, 0, 0x80, 1)), "0203008001"],
    [unsigned(NOTHING), "020100"],
    [oid("1.2.840.113549.1.1.11"), "06092a864886f70d01010b"],
    [oid("2.999.3"), "0603883703"],
    [oid("0.39"), "060127"],
    [oid("2.25.156081778427501091023014821052722422264"), "06146981eaeca0f489d1d2ac93b198a3f38fc4cec378"],
    [namedBit(0), "03020780"],
    [namedBit(7), "03020001"],
    [namedBit(25), "03050600000040"],
    [bitString(Uint8Array.of(9)), "03020009"],
    [TRUE, "0101ff"],
    [sequence(), "3000"],
    [setOf([integer(300), integer(2), octetString(NOTHING)]), "31090201020202012c0400"],
    [setOf([integer(2)], constructed(1)), "a103020102"],
  ])("%#: is %s", (bytes, expected) => {
    expect(toHex(bytes)).toBe(expected);
  });

  it("has lengths of one byte up to 127, and of as many as it takes from there", () => {
    const lengthOf = (size: number): string => toHex(octetString(new Uint8Array(size))).slice(2, 10);
    expect(lengthOf(127).slice(0, 2)).toBe("7f");
    expect(lengthOf(128).slice(0, 4)).toBe("8180");
    expect(lengthOf(256).slice(0, 6)).toBe("820100");
    expect(lengthOf(65_536)).toBe("83010000");
  });

  it("takes object identifiers that are some", () => {
    for (const text of [
      "",
      "1",
      "3.1",
      "1.40",
      "0.40.1",
      "1.2.03",
      "1.2.",
      "1..2",
      "1.2.-3",
      "a.b",
      `1.2.${"9".repeat(300)}`,
    ]) {
      expect(isOid(text), text).toBe(false);
      expect(() => oid(text)).toThrow(RangeError);
    }
    for (const text of ["0.0", "1.39", "2.40.1", "2.0"]) expect(isOid(text), text).toBe(true);
  });
});

describe("the reader", () => {
  const value = (bytes: Uint8Array, read: (reader: DerReader) => unknown) => {
    const result = readDer(bytes, read);
    return result.ok ? result.value : result.error;
  };

  it("reads what was written", () => {
    const bytes = sequence(integer(7), oid("1.2.3"), TRUE, der(constructed(0), octetString(Uint8Array.of(1, 2))));
    const read = value(bytes, (outer) =>
      outer.within(TAG.sequence, (reader) => {
        const [number, name, flag] = [reader.integer(1), reader.oid(), reader.boolean()];
        const inner = reader.within(constructed(0), (tagged) => tagged.content(TAG.octetString));
        return [toHex(number), toHex(name), flag, toHex(inner), reader.isAtEnd];
      }),
    );
    expect(read).toEqual(["07", "06022a03", true, "0102", true]);
  });

  it.each([
    ["nothing", "", (r: DerReader) => r.element()],
    ["a missing length", "04", (r: DerReader) => r.element()],
    ["an end that comes too early", "040201", (r: DerReader) => r.element()],
    ["an indefinite length", "30800000", (r: DerReader) => r.element()],
    ["a length in more bytes than it takes", "04810101", (r: DerReader) => r.element()],
    ["a length that begins with zero", `0482008100${"00".repeat(128)}`, (r: DerReader) => r.element()],
    ["a length beyond everything", "0484ffffffff", (r: DerReader) => r.element()],
    ["a length of five bytes", "04850000000001aa", (r: DerReader) => r.element()],
    ["a tag of several bytes", "1f8101", (r: DerReader) => r.element()],
    ["another tag", "0400", (r: DerReader) => r.content(TAG.integer)],
    ["more than was read", "04000400", (r: DerReader) => r.element()],
    ["more inside than was read", "30020500", (r: DerReader) => r.within(TAG.sequence, () => 0)],
    ["an integer without bytes", "0200", (r: DerReader) => r.integer(4)],
    ["a padded integer", "02020001", (r: DerReader) => r.integer(4)],
    ["a padded negative integer", "0202ff80", (r: DerReader) => r.integer(4)],
    ["a long integer", "02050100000000", (r: DerReader) => r.integer(4)],
    ["a boolean that is 1", "010101", (r: DerReader) => r.boolean()],
    ["an empty object identifier", "0600", (r: DerReader) => r.oid()],
    ["a padded arc", "06032a8001", (r: DerReader) => r.oid()],
    ["an arc without end", "06022a81", (r: DerReader) => r.oid()],
  ])("refuses %s", (_, bytes, read) => {
    expect(readDer(hex(bytes), (reader) => void read(reader)).ok).toBe(false);
  });

  it("takes any bytes, and what it takes is minimal", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const read = readDer(bytes, (reader) => {
          const [tag = 0] = bytes;
          const content = reader.content(tag);
          return der(tag, content);
        });
        if (read.ok) expect(equalBytes(read.value, bytes)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("does not hide what is no fault of the bytes", () => {
    const defect = new Error("a defect");
    const read = (): never => {
      throw defect;
    };
    expect(() => readDer(hex("0400"), read)).toThrow(defect);
  });
});
