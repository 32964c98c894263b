import { describe, expect, test } from "vitest";
import { RefusalLog } from "../../src/cli/refusal-log.js";

describe("the log of refused connections", () => {
  test("has the first at once, then one line in ten seconds with the number of the others", () => {
    let nowMs = 5;
    const lines: string[] = [];
    const log = new RefusalLog(
      (line) => lines.push(line),
      () => nowMs,
    );
    for (let count = 0; count < 1000; count++) log.refused("no certificate\nknown\n", "127.0.0.1");
    expect(lines).toEqual(["refused a connection from 127.0.0.1: no certificate known"]);
    nowMs += 10_000;
    log.refused("garbage", "127.0.0.2");
    expect(lines[1]).toBe("refused a connection from 127.0.0.2: garbage (and 999 since the last such line)");
    nowMs += 9_999;
    log.refused("garbage", "127.0.0.2");
    expect(lines).toHaveLength(2);
  });
});
