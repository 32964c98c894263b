/** Links that delete for ever: nothing is lost as long as honest parties reach each other, and relaying costs no more than it may. */
import { describe, expect, test } from "vitest";
import { DISSEMINATIONS, type DisseminationMode } from "../../src/protocols/index.js";
import { Violation } from "../../src/sim/checkers.js";
import { type LinkFailuresReport, runLinkFailures } from "../../src/sim/link-failures.js";

const MODES = DISSEMINATIONS.map((dissemination) => ({ dissemination }));

function runs(n: number, seeds: number, dissemination: DisseminationMode): readonly LinkFailuresReport[] {
  return Array.from({ length: seeds }, (_, index) => runLinkFailures({ seed: index + 1, n, dissemination }));
}

describe.each(MODES)("over links that fail, $dissemination", ({ dissemination }) => {
  test("60 seeds at n=4: all is delivered, with lying relays, restarts and cuts of every size", () => {
    const reports = runs(4, 60, dissemination);
    const actions = reports.flatMap((report) => Object.keys(report.actions));
    for (const action of [
      "restart",
      "deleted by a link",
      "sabotage:drop",
      "sabotage:change",
      "sabotage:repeat",
      "sabotage:invent",
      "accuse:forged-relay",
    ])
      expect(actions).toContain(action);
    // Of 12 directed links the three honest parties need three.
    expect(Math.max(...reports.map(({ cut }) => cut.length))).toBe(9);
    expect(Math.max(...reports.map(({ mostCopies }) => mostCopies))).toBeLessThanOrEqual(7);
    expect(reports[0]?.copiesBound).toBe(7);
  });

  test("4 seeds at n=7 with two corrupted parties", () => {
    for (const { mostCopies, relayedFrames } of runs(7, 4, dissemination)) {
      expect(mostCopies).toBeLessThanOrEqual(6 + 25);
      expect(relayedFrames).toBeGreaterThan(0);
    }
  });

  test("one seed is one run", () => {
    expect(runLinkFailures({ seed: 5, dissemination })).toEqual(runLinkFailures({ seed: 5, dissemination }));
    expect(runLinkFailures({ seed: 6, dissemination }).traceSha256).not.toBe(
      runLinkFailures({ seed: 5, dissemination }).traceSha256,
    );
  });

  test("without relaying the same cuts are fatal", () => {
    let stuck = 0;
    for (let seed = 1; seed <= 6; seed++) {
      try {
        runLinkFailures({ seed, dissemination, relays: false });
      } catch (error) {
        if (!(error instanceof Violation) || error.property !== "termination") throw error;
        stuck++;
      }
    }
    expect(stuck).toBeGreaterThan(2);
  });
});
