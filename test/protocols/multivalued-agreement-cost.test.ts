/** What each variant costs when all goes well: messages, candidates tried, causal hops (docs/protocols.md has the table). */
import { expect, test } from "vitest";
import { concat } from "../../src/core/bytes.js";
import type { PartyId } from "../../src/core/party-set.js";
import type { AgreementVariant } from "../../src/protocols/multivalued-agreement/index.js";
import { network, valueOf } from "./multivalued-agreement-voices.js";

const VALUE_BYTES = 10_000;

interface Cost {
  readonly messages: number;
  /** In units of a value. */
  readonly values: number;
  readonly tries: number;
  /** Hops until all have decided, when each hop takes as long. */
  readonly hops: number;
}

/** Hop by hop: all that was sent in one arrives in the next. */
function costOf(variant: AgreementVariant, n: number): Cost {
  const net = network(variant, { n });
  const value = (party: PartyId): Uint8Array => concat(valueOf(party), new Uint8Array(VALUE_BYTES));
  for (const party of net.running) net.input(party, value(party));
  let hops = 0;
  while (net.running.some((party) => net.outputsOf(party).length === 0)) {
    for (const { from, to, envelope } of net.flights.splice(0)) net.deliver(from, to, envelope);
    hops++;
  }
  net.run();
  const tries = Math.max(...net.running.map((party) => net.outputsOf(party)[0]?.tries ?? 0));
  const bytes = net.sent.reduce((sum, { envelope }) => sum + envelope.body.length, 0);
  return { messages: net.sent.length, values: Math.round(bytes / VALUE_BYTES), tries, hops };
}

/** Order, delivery, candidates at once; for n=4 and n=16 messages and values sent; hops. */
const TABLE = [
  ["fixed", "full", 1, 84, 49, 1680, 990, 5],
  ["fixed", "on-request", 1, 84, 13, 1680, 272, 5],
  ["fixed", "full", 3, 180, 118, 3600, 2479, 5],
  ["random", "full", 1, 132, 49, 2640, 997, 9],
  ["random", "on-request", 1, 132, 13, 2640, 278, 9],
  ["random", "full", 3, 240, 134, 4800, 2738, 9],
  ["adaptive", "full", 1, 84, 49, 1680, 990, 5],
  ["adaptive", "on-request", 1, 84, 13, 1680, 272, 5],
  ["adaptive", "full", 3, 84, 49, 1680, 990, 5],
] as const;

test("the cost when all goes well", () => {
  const measured = TABLE.map(([order, delivery, parallel]) => {
    const [four, sixteen] = [4, 16].map((n) => costOf({ order, delivery, parallel }, n));
    expect([four?.tries, sixteen?.tries]).toEqual([1, 1]);
    expect(four?.hops).toBe(sixteen?.hops);
    return [order, delivery, parallel, four?.messages, four?.values, sixteen?.messages, sixteen?.values, four?.hops];
  });
  expect(measured).toEqual(TABLE);
});
