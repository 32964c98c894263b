import { expect, it } from "vitest";
import { Outlet } from "../../src/replica/outlet.js";
import { Courier } from "../../src/relay/courier.js";
import { NO_CHECKPOINTS } from "../../src/relay/serving.js";

/** What is asked of party 1, as it waits for the link. */
function newOutlet() {
  const courier = new Courier({
    self: 0,
    cluster: new Uint8Array(32),
    parties: [0, 1],
    keys: undefined,
    archive: {
      ...NO_CHECKPOINTS,
      proof: () => {
        throw new Error("nobody asks for it");
      },
    },
    proofsPerRequest: 16,
    round: () => 1,
    relay: () => undefined,
    acknowledge: () => undefined,
    onRestart: () => undefined,
  });
  courier.begin(1);
  const asked: number[] = [];
  courier.askProofs = (_of, _channel, round) => void asked.push(round);
  const outlet = new Outlet({
    self: 0,
    peers: [1],
    courier,
    onAccused: () => undefined,
    onEvidence: () => undefined,
  });
  const askProofs = (round: number): void =>
    outlet.release({ kind: "askProofs", of: 1, channel: "abc", round, decidedBelow: 12 });
  return { outlet, askProofs, asked };
}

it("asks once for proofs that are on the way", () => {
  const { askProofs, asked } = newOutlet();
  for (const round of [5, 8, 10]) askProofs(round);
  expect(asked).toEqual([5]);
});

// A certified replica waited for the batches of a checkpoint's round while the proofs of later rounds came, dropped them, and
// counted on them for ever.
it("asks again when what came was dropped", () => {
  const { outlet, askProofs, asked } = newOutlet();
  askProofs(5);
  outlet.release({ kind: "askRepeat", of: 1 });
  askProofs(10);
  expect(asked).toEqual([5, 10]);
});
