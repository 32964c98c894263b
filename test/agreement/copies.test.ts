/** What a caller does with its own bytes, before and after, changes nothing that the parties agree on. */
import { Buffer } from "node:buffer";
import { afterEach, expect, it } from "vitest";
import { type Party, abba, memoryLinks, mvba } from "../../src/agreement/index.js";
import { equalBytes } from "../../src/core/bytes.js";
import { CLUSTER, N, at, dish, isDish, members, quiet, valueOf } from "./members.js";

let open: Party[] = [];
afterEach(async () => {
  await Promise.all(open.map((party) => party.close()));
  open = [];
});

function parties(cluster?: Uint8Array): readonly Party[] {
  open = members(memoryLinks(N), cluster && { cluster }).map(({ party }) => party);
  return open;
}

const LIAR = 3;
const REFUSED = [66, 6] as const;

it.each([
  ["arrays", (...bytes: number[]) => Uint8Array.from(bytes)],
  // Whose `slice` shares its memory.
  ["Node's buffers", (...bytes: number[]) => Buffer.from(bytes)],
])("a proposal that is overwritten with what the predicate refuses decides nothing: %s", async (_name, bufferOf) => {
  const predicate = (value: Uint8Array): boolean => value[0] === 1;
  const options = { order: "fixed", first: LIAR } as const;
  const buffers: Uint8Array[] = [];
  const runs = parties().map((party, self) => {
    if (self === LIAR) return party.run("p", mvba({ predicate: () => true, ...options }), Uint8Array.from(REFUSED));
    const buffer = bufferOf(1, 1);
    buffers.push(buffer);
    return party.run("p", mvba({ predicate, ...options }), buffer);
  });
  for (const buffer of buffers) buffer.set(REFUSED);
  const decisions = await Promise.all(runs);
  expect(decisions.map(({ value }) => value)).toEqual(runs.map(() => Uint8Array.of(1, 1)));
});

it("a proof that is overwritten with what the predicate refuses justifies nothing", async () => {
  const predicate = (value: number, proof: Uint8Array): boolean => value === 0 || proof[0] === 1;
  // Its votes are the first to come.
  const [liar, ...honest] = parties();
  const wrong = liar?.run("p", abba({ predicate: () => true }), { value: 1, proof: Uint8Array.from(REFUSED) });
  const inputs = honest.map(() => ({ value: 1 as 0 | 1, proof: Uint8Array.of(1, 1) }));
  const runs = honest.map((party, index) => party.run("p", abba({ predicate }), at(inputs, index)));
  for (const input of inputs) {
    input.proof.set(REFUSED);
    input.value = 0;
  }
  const decisions = await Promise.all(runs);
  expect(decisions).toEqual(
    runs.map(() => expect.objectContaining({ value: 1, proof: Uint8Array.of(1, 1) }) as unknown),
  );
  // It may have another proof of the same bit.
  expect(await wrong).toMatchObject({ value: 1 });
  for (const { accusations } of honest)
    expect(accusations.map(({ party, fault }) => [party, fault])).toEqual([[0, "invalid-justification"]]);
});

it("a decision is its caller's: overwriting it takes nothing from who comes later", async () => {
  const all = parties();
  const lunch = mvba({ predicate: isDish, order: "fixed", delivery: "on-request" });
  const isServed = abba({ predicate: (_value, proof) => equalBytes(proof, dish("proof")) });
  const input = { value: 1, proof: dish("proof") } as const;
  const early = await Promise.all(all.slice(0, LIAR).map((party, self) => party.run("lunch", lunch, dish(self))));
  const served = await Promise.all(all.slice(0, LIAR).map((party) => party.run("served", isServed, input)));
  const decided = early.map(valueOf);
  for (const { value, proof } of early) for (const bytes of [value, proof.body]) bytes.fill(0);
  for (const { certificate, proof, message } of served)
    for (const bytes of [certificate, proof, message]) bytes.fill(0);
  const late = all[LIAR];
  expect([valueOf((await late?.run("lunch", lunch, dish(LIAR))) ?? { value: new Uint8Array(0) })]).toEqual(
    decided.slice(0, 1),
  );
  expect(await late?.run("served", isServed, input)).toMatchObject(input);
  await quiet();
  expect(open.flatMap(({ accusations }) => accusations)).toEqual([]);
});

it("the cluster's name is copied, too", async () => {
  const name = CLUSTER.slice();
  const all = parties(name);
  const lunch = mvba({ predicate: isDish });
  const early = all.slice(0, 2).map((party, self) => party.run("lunch", lunch, dish(self)));
  name.fill(0);
  const late = all.slice(2).map((party, self) => party.run("lunch", lunch, dish(self)));
  expect(new Set((await Promise.all([...early, ...late])).map(valueOf)).size).toBe(1);
  expect(open.flatMap(({ accusations }) => accusations)).toEqual([]);
});
