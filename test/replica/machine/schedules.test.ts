import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/core/bytes.js";
import { type Applied, Machine } from "../../../src/replica/machine/index.js";
import { sessionKey } from "../../../src/replica/machine/session-key.js";
import { decodePayload, type Payload } from "../../../src/wire/payload.js";
import {
  clientKey,
  duty,
  ListService,
  machineOptions,
  newMachine,
  Ordered,
  rejoin,
  request,
  sessionId,
  sha256,
  snapshotText,
} from "./fixture.js";
import { ReferenceClient } from "./reference.js";

fc.configureGlobal({ seed: 51 });

const CLIENTS = 2;
/** Few sessions near each other, and many: evictions need more than 64. */
const anySession = fc
  .tuple(fc.oneof(fc.integer({ min: 100, max: 104 }), fc.integer({ min: 60, max: 200 })), fc.nat(1))
  .map(([opened, nonce]) => sessionId(opened, nonce));
const anyRequest = fc
  .record({
    client: fc.nat(CLIENTS - 1),
    session: anySession,
    number: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 250, max: 520 })),
    behind: fc.oneof(fc.constant(1), fc.constant(256), fc.integer({ min: 1, max: 256 })),
    // What tells conflicting payloads apart, and makes long replies.
    operation: fc.option(fc.tuple(fc.constantFrom(0, 1, 60), fc.nat(2)), { nil: undefined }),
    service: fc.constantFrom("list", "another"),
  })
  .map(({ behind, operation, ...fields }) =>
    request({
      ...fields,
      acknowledged: Math.max(0, fields.number - behind),
      operation: operation === undefined ? undefined : Uint8Array.from(operation),
    }),
  );
const anyRejoin = fc.tuple(fc.nat(3), fc.nat(3)).map(([party, nonce]) => rejoin(party, new Uint8Array(32).fill(nonce)));
const anyDuty = fc
  .tuple(fc.nat(3), fc.integer({ min: 1, max: 4 }), fc.nat(2))
  .map(([party, number, what]) => duty(party, number, Uint8Array.of(0, what)));
/** A client that opens so many sessions in turn. */
const manySessions = fc
  .tuple(fc.nat(CLIENTS - 1), fc.integer({ min: 60, max: 140 }), fc.integer({ min: 1, max: 70 }))
  .map(([client, from, count]) =>
    Array.from({ length: count }, (_, index) =>
      request({ client, session: sessionId(from + index), number: 1, operation: Uint8Array.of(0) }),
    ),
  );
const someRounds = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.array(anyRequest, { minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: manySessions },
    { weight: 1, arbitrary: fc.array(anyRejoin, { minLength: 1, maxLength: 3 }) },
    { weight: 2, arbitrary: fc.array(anyDuty, { minLength: 1, maxLength: 6 }) },
  ),
  { minLength: 1, maxLength: 12 },
);
/** Everything again, among it what was executed, in another order. */
const replayed = fc.tuple(someRounds, fc.infiniteStream(fc.nat(10_000))).map(([rounds, picks]) => {
  const all = rounds.flat();
  const again = [...all].sort((a, b) => (toHex(a) < toHex(b) ? -1 : 1));
  const picked = [...picks.take(all.length)].map((pick) => all[pick % all.length] ?? new Uint8Array());
  return rounds.concat([again, picked], rounds);
});

/** Everything that both services have executed: what it was, not what it was said to be. */
function executedBy(machine: Machine): number[] {
  return ["list", "another"]
    .flatMap((name) => {
      const service = machine.service(name);
      return service instanceof ListService ? service.executed : [];
    })
    .map(({ sequence }) => sequence);
}

function identityOf(payload: Payload): string {
  if (payload.kind === "rejoin") return `${payload.party}/${toHex(payload.nonce)}`;
  if (payload.kind === "duty") return `duty ${payload.party}/${payload.number}`;
  return `${toHex(payload.client)}/${payload.session.opened}/${toHex(payload.session.nonce)}/${payload.number}`;
}

/** Comparing long replies byte by byte takes vitest seconds. */
const appliedText = (applied: readonly Applied[]): string =>
  JSON.stringify(applied, (_, value: unknown) => (value instanceof Uint8Array ? toHex(sha256(value)) : value));

describe("the machine under random schedules", () => {
  it("executes no number twice, whatever is replayed, in whatever order, and agrees with the admission", () => {
    fc.assert(
      fc.property(replayed, (rounds) => {
        const replica = new Ordered();
        const seen = new Set<string>();
        let executed = 0;
        for (const payloads of rounds) {
          for (const { outcome, rejoined, entry } of replica.round(payloads)) {
            const decoded = decodePayload(entry.payload);
            if (!decoded.ok) throw new Error(decoded.error);
            const { value } = decoded;
            const id = identityOf(value);
            expect(seen.has(id)).toBe(false);
            seen.add(id);
            expect(rejoined !== undefined).toBe(value.kind === "rejoin");
            if (outcome?.outcome.action === "call" || value.kind === "duty") executed++;
          }
          expect(toHex(replica.machine.admission().snapshot())).toBe(toHex(replica.admission.snapshot()));
        }
        const sequences = executedBy(replica.machine);
        expect(new Set(sequences).size).toBe(executed);
        expect(sequences).toHaveLength(executed);
      }),
      { numRuns: 60 },
    );
  });

  it("says of each number what the rules say, and keeps the replies that they let it keep", () => {
    fc.assert(
      fc.property(replayed, (rounds) => {
        const replica = new Ordered();
        const clients = Array.from({ length: CLIENTS }, () => new ReferenceClient());
        for (const payload of rounds.flat()) {
          const decoded = decodePayload(payload);
          if (!decoded.ok || decoded.value.kind !== "request") continue;
          const { session, number, acknowledged, client } = decoded.value;
          const reference = clients[(client[0] ?? 1) - 1];
          if (reference === undefined) throw new Error("no such client");
          const key = sessionKey(session);
          const before = reference.standing(key, number);
          expect(replica.machine.outcome(client, session, number).kind).toBe(before);
          const [applied] = replica.round([payload]);
          expect(applied !== undefined).toBe(before === "open");
          if (applied !== undefined) reference.take(key, number, acknowledged, applied.outcome?.outcome.reply?.length);
        }
        for (const [index, reference] of clients.entries()) {
          for (const payload of rounds.flat()) {
            const decoded = decodePayload(payload);
            if (!decoded.ok || decoded.value.kind !== "request" || decoded.value.client[0] !== index + 1) continue;
            const { session, number } = decoded.value;
            const status = replica.machine.outcome(clientKey(index), session, number);
            expect(status.kind).toBe(reference.standing(sessionKey(session), number));
            const hasReply = status.kind === "done" && status.reply !== undefined;
            expect(hasReply).toBe(reference.hasReply(sessionKey(session), number));
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it("goes on from a snapshot at any point as if there had been none", () => {
    fc.assert(
      fc.property(replayed, fc.nat(100), (rounds, at) => {
        const whole = new Ordered();
        let restored: Ordered | undefined;
        for (const [index, payloads] of rounds.entries()) {
          if (index === at % rounds.length) {
            const machine = newMachine();
            // One that is elsewhere already: all of that has to go.
            new Ordered(machine).round([
              request({ client: 5, session: sessionId(1), number: 1, operation: Uint8Array.of(1) }),
            ]);
            machine.restore(whole.machine.snapshot());
            restored = new Ordered(machine);
            restored.admission = machine.restoreAdmission(whole.admission.snapshot());
          }
          const time = index % 3 === 0 ? undefined : 1000 * index;
          const applied = whole.round(payloads, time);
          if (restored !== undefined) expect(appliedText(restored.round(payloads, time))).toBe(appliedText(applied));
        }
        if (restored === undefined) throw new Error("nothing was restored");
        expect(snapshotText(restored.machine)).toBe(snapshotText(whole.machine));
        expect(toHex(restored.admission.snapshot())).toBe(toHex(whole.admission.snapshot()));
        expect(restored.machine.tip).toEqual(whole.machine.tip);
        for (const party of [0, 1, 2, 3])
          expect(restored.machine.rejoinedIn(party)).toEqual(whole.machine.rejoinedIn(party));
      }),
      { numRuns: 40 },
    );
  });

  it("leads to the same at two machines that cut the same payloads into other rounds, but for the rounds' numbers", () => {
    fc.assert(
      fc.property(replayed, (rounds) => {
        const [one, other] = [new Ordered(), new Ordered(new Machine(machineOptions()))];
        for (const payloads of rounds) one.round(payloads);
        other.round(rounds.flat());
        expect(toHex(other.admission.snapshot())).toBe(toHex(one.admission.snapshot()));
        expect(executedBy(other.machine)).toEqual(executedBy(one.machine));
      }),
      { numRuns: 20 },
    );
  });
});
