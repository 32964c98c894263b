/**
 * The simulated world: parties with the production engine, an asynchronous network, crashes, partitions, corrupted parties
 * and the checkers. It does one action at a time and never chooses: the scheduler does, or a recorded schedule. What it owes to chance is drawn from
 * the seed for each message by itself, so that leaving out one action changes no other.
 */
import type { Group } from "../core/group.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import type { Action } from "./action.js";
import { audit } from "./audit.js";
import { Clocks } from "./clocks.js";
import { Checkers, Violation } from "./checkers.js";
import { Connections } from "./connections.js";
import type { Flight } from "./flight.js";
import { Liars, forgetfulSuite } from "./liars.js";
import { Links } from "./links.js";
import { type SimEffect, SimParty } from "./party.js";
import { Random, hashOf } from "./random.js";
import { type Submission, Submissions } from "./submissions.js";
import { Trace } from "./trace.js";
import type { WorldOptions } from "./world-options.js";

/** Payloads that an onlooker may make up: far less than what a party's queue takes. */
const MAX_HANDED = 500;

export class World {
  readonly group: Group;
  readonly checkers: Checkers;
  readonly #options: WorldOptions;
  readonly #parties: readonly SimParty[];
  readonly #liars: Liars;
  readonly #retireRandom: Random;
  readonly #clocks: Clocks;
  readonly #trace: Trace;
  readonly #actions = new Map<string, number>();
  readonly #links: Links;
  readonly #connections: Connections;
  readonly #stopped = new PartySet();
  readonly #submissions: Submissions;
  #steps = 0;
  messages = 0;
  bytes = 0;
  /** The greatest number of candidates that one agreement tried. */
  maxTries = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    const { seed, group, suites, channels, cluster, corrupted } = options;
    this.#trace = new Trace(options.newHash?.());
    this.group = group;
    this.#links = new Links({
      n: group.n,
      onSent: (flight) => options.observe?.({ kind: "sent", flight }),
      onLost: (flight) => this.#lost(flight),
    });
    this.#submissions = new Submissions(options.submissions);
    this.#retireRandom = new Random(seed);
    const isCorrupted = (party: PartyId): boolean => this.isCorrupted(party);
    const isHonest = (party: PartyId): boolean => !isCorrupted(party);
    this.checkers = new Checkers({ ...options, channels: Object.keys(channels), isHonest });
    this.#clocks = new Clocks(seed, isCorrupted);
    this.#parties = suites.map((own, self) => {
      return new SimParty({
        self,
        cluster,
        group,
        channels,
        suite: forgetfulSuite(own, self, () => isCorrupted(self)),
        isCorrupted: () => isCorrupted(self),
      });
    });
    this.#liars = new Liars({
      ...options,
      onAttack: (party, attack) => {
        this.#count(`attack:${attack}`);
        options.observe?.({ kind: "attacked", party, attack });
      },
    });
    for (const party of corrupted) this.#liars.add(party);
    this.#connections = new Connections({
      links: this.#links,
      liars: this.#liars,
      channels: Object.keys(channels),
      count: (action) => this.#count(action),
    });
  }

  start(): void {
    this.#options.observe?.({ kind: "began", parties: this.group.n, corrupted: [...this.#options.corrupted] });
    for (const party of this.#parties) this.#handle(party, party.start(), undefined);
  }

  get flights(): readonly Flight[] {
    return this.#links.flights;
  }

  /** Indices of what clients have not handed over yet. */
  get unsubmitted(): readonly number[] {
    return [...this.#submissions.waiting];
  }

  get hasUnsubmitted(): boolean {
    return this.#submissions.waiting.size > 0;
  }

  get isPartitioned(): boolean {
    return this.#links.isPartitioned;
  }

  get steps(): number {
    return this.#steps;
  }

  get traceSha256(): string {
    return this.#trace.finish();
  }

  /** Actions of scheduler, adversary and parties by kind. */
  get actions(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#actions].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  isUp(party: PartyId): boolean {
    return this.#party(party).isUp;
  }

  isCorrupted(party: PartyId): boolean {
    return this.#liars.has(party);
  }

  /** Links that are cut one by one. */
  get cuts(): readonly (readonly [from: PartyId, to: PartyId])[] {
    return this.#links.cuts;
  }

  isStopped(party: PartyId): boolean {
    return this.#stopped.has(party);
  }

  submission(index: number): Submission | undefined {
    return this.#submissions.at(index);
  }

  /** Parties that wait for their host to let them take part in a round. */
  get heldUp(): readonly PartyId[] {
    return this.#options.isPaced ? this.#parties.flatMap((party) => (party.heldUp.length > 0 ? [party.id] : [])) : [];
  }

  /** Of each channel, how many payloads wait in the party's queue. */
  waiting(party: PartyId): readonly (readonly [channel: Tag, count: number])[] {
    const channels = Object.keys(this.#options.channels);
    return channels.map((channel) => [channel, this.#party(party).inspect(channel)?.queueLength ?? 0]);
  }

  /** Certificate validity: who starts with nothing delivers the same from the proofs that `witness` keeps. @throws Violation */
  audit(witness: PartyId): void {
    audit(this.#party(witness), (witness + 1) % this.group.n, this.checkers);
  }

  #party(id: PartyId): SimParty {
    const party = this.#parties[id];
    if (party === undefined) throw new RangeError(`no party ${id}`);
    return party;
  }

  #count(action: string): void {
    this.#actions.set(action, (this.#actions.get(action) ?? 0) + 1);
  }

  /** False when the action does not apply here, as may be when others were left out. @throws Violation */
  perform(action: Action): boolean {
    switch (action.kind) {
      case "deliver": {
        const index = this.#links.indexOf(action.from, action.to, action.number);
        return index >= 0 && this.deliver(index, action.crashAfter);
      }
      case "submit":
        return this.#submit(action.index, action.crashAfter);
      case "hand":
        return action.party < this.group.n && this.#hand(this.#party(action.party), action.channel, action.payload);
      case "break":
      case "cut":
      case "mend":
        return this.#changeLink(action.kind, action.from, action.to);
      case "partition":
        return this.#partition(action.side);
      case "heal":
        return this.#heal();
      case "proceed":
        return action.party < this.group.n && this.#proceed(this.#party(action.party));
      case "crash":
      case "restart":
      case "stop":
      case "corrupt":
        break;
    }
    return action.party < this.group.n && this.#changeParty(action.kind, this.#party(action.party));
  }

  #changeParty(kind: "crash" | "restart" | "stop" | "corrupt", party: SimParty): boolean {
    if (this.#stopped.has(party.id)) return false;
    if (kind === "corrupt") return this.#corrupt(party.id);
    if (kind === "restart") {
      if (party.isUp) return false;
      this.#restart(party);
    } else {
      if (party.isUp) this.#crash(party);
      else if (kind === "crash") return false;
      if (kind === "stop") this.#stop(party.id);
    }
    return true;
  }

  #stop(party: PartyId): void {
    this.#stopped.add(party);
    this.#count("stop");
    this.#options.observe?.({ kind: "stopped", party });
  }

  #corrupt(party: PartyId): boolean {
    if (!this.#liars.add(party)) return false;
    this.#count("corrupt");
    this.#options.observe?.({ kind: "corrupted", party });
    return true;
  }

  /** As its host, which sets the pace. */
  #proceed(party: SimParty): boolean {
    const { heldUp } = party;
    for (const input of heldUp) {
      this.#count(input.kind);
      this.#handle(party, party.step(input));
    }
    return heldUp.length > 0;
  }

  /** A valid payload that is not on the list. */
  #hand(party: SimParty, channel: Tag, payload: Uint8Array): boolean {
    const { channels, isValid } = this.#options;
    const isOneTooMany = this.#actions.get("hand") === MAX_HANDED;
    if (!party.isUp || !Object.hasOwn(channels, channel) || !isValid(payload) || isOneTooMany) return false;
    this.#count("hand");
    this.#take(party, channel, payload, undefined);
    return true;
  }

  #take(party: SimParty, channel: Tag, payload: Uint8Array, crashAfter: number | undefined): void {
    this.#count("submit");
    this.#options.observe?.({ kind: "submitted", party: party.id, channel, payload });
    this.checkers.submitted(channel, payload, party.id);
    this.#clock(party, channel);
    this.#handle(party, party.step({ kind: "submit", channel, payload }), crashAfter);
  }

  /** The party reads its clock. */
  #clock(party: SimParty, channel: Tag): void {
    this.#handle(party, party.step({ kind: "clock", channel, nowMs: this.#clocks.read(party.id, this.#steps) }));
  }

  #submit(index: number, crashAfter: number | undefined): boolean {
    const submission = this.#submissions.at(index);
    if (submission === undefined || !this.#submissions.waiting.has(index)) return false;
    const { channel, to, payload } = submission;
    const party = this.#party(to);
    // Whoever stopped for ever hears of nothing any more.
    if (!party.isUp && !this.#stopped.has(to)) return false;
    this.#submissions.remove(index);
    if (party.isUp) this.#take(party, channel, payload, crashAfter);
    return true;
  }

  /** Delivers the flight at `chosen`, and returns true. */
  deliver(chosen: number, crashAfter?: number): boolean {
    if (++this.#steps > this.#options.maxSteps) throw new Violation("termination", `no end after ${this.#steps} steps`);
    const flight = this.#links.take(chosen);
    if (flight === undefined) return false;
    const receiver = this.#party(flight.to);
    // Links to a crashed party break; what was on the way is sent again when it is back.
    if (!receiver.isUp) {
      this.#lost(flight);
      return true;
    }
    this.#count("deliver");
    this.#options.observe?.({ kind: "received", flight });
    const { from, body } = flight;
    if (body.kind === "entry" || body.kind === "proof") {
      this.messages++;
      this.bytes += body.envelope.body.length;
      this.#handle(receiver, receiver.step({ kind: "message", from, envelope: body.envelope }), crashAfter);
    } else if (body.kind === "batch") {
      this.bytes += body.bytes.length;
      this.#handle(receiver, receiver.step({ ...body, from }), crashAfter);
    } else {
      this.#connections.serve(receiver, from, body);
    }
    return true;
  }

  #lost(flight: Flight): void {
    this.#count("lost");
    this.#options.observe?.({ kind: "lost", flight });
  }

  /** `crashAfter`: the party crashes after so many effects, as between two sends of one "send to all". */
  #handle(party: SimParty, effects: readonly SimEffect[], crashAfter = Infinity): void {
    const isHonest = !this.#liars.has(party.id);
    let applied = 0;
    for (const effect of effects) {
      if (applied++ === crashAfter) break;
      this.#apply(party, effect, isHonest);
    }
    if (party.isLost && !this.#stopped.has(party.id)) this.#stop(party.id);
    if (crashAfter === Infinity) return this.#tellDigests(party);
    this.#count("crash-in-effects");
    this.#crash(party);
  }

  /** As its host, of the rounds that have a checkpoint. */
  #tellDigests(party: SimParty): void {
    for (const input of party.owed) {
      this.#count("checkpoint");
      this.#handle(party, party.step(input));
    }
  }

  #apply(party: SimParty, effect: SimEffect, isHonest: boolean): void {
    this.#trace.record(party.id, effect);
    switch (effect.kind) {
      case "send":
        if (isHonest) this.checkers.said(party.id, effect.envelope);
        party.outbox(effect.to).push({ kind: "message", envelope: effect.envelope });
        return this.#connections.say(party.id, effect.to, effect.envelope);
      case "output":
        return this.#delivered(party.id, effect, isHonest);
      case "accuse":
        if (isHonest) this.#count(`accuse:${effect.fault}`);
        this.#options.observe?.({ ...effect, kind: "accused", by: party.id });
        return this.checkers.accused(party.id, effect.party, effect.tag, effect.fault);
      case "evidence":
        if (isHonest) this.#count(`evidence:${effect.evidence.purpose}`);
        return this.checkers.proved(party.id, effect.evidence, party.evidenceCheck);
      case "retire":
        return this.#retire(party.id, effect.tag);
      case "askProofs":
        return this.#connections.askProofs(party, effect.of, effect.channel, effect.round, effect.decidedBelow);
      case "askRepeat":
        return this.#connections.askRepeat(party, effect.of);
      case "stable":
        return this.checkers.stable(party.id, effect, party.certified(effect));
      case "askBatch":
        for (const of of effect.of) this.#connections.askBatch(party, of, effect.channel, effect.name);
        return;
      case "keepBatch":
      case "signed":
      case "archive":
      case "boundary":
        return;
    }
  }

  #delivered(party: PartyId, { channel, value }: SimEffect & { kind: "output" }, isHonest: boolean): void {
    if (isHonest) this.maxTries = Math.max(this.maxTries, value.tries);
    this.#options.observe?.({ kind: "delivered", party, channel, value });
    this.checkers.delivered(party, channel, value);
  }

  /** Messages of retired instances need not arrive any more: half of the time they do not. */
  #retire(from: PartyId, tag: Tag): void {
    this.#retireRandom.reseed(this.#options.seed ^ Math.imul(from + 1, 0x9e3779b1) ^ hashOf(tag));
    if (this.#retireRandom.chance(0.5)) return;
    const isRetired = (flight: Flight): boolean =>
      flight.from === from && flight.body.kind === "entry" && flight.body.envelope.tag.startsWith(`${tag}/`);
    if (this.#links.lose(isRetired)) this.#count("retire-in-flight");
  }

  #crash(party: SimParty): void {
    this.#count("crash");
    this.#options.observe?.({ kind: "crashed", party: party.id });
    party.crash();
    this.#links.lose(({ from, to }) => from === party.id || to === party.id);
  }

  #restart(party: SimParty): void {
    this.#count("restart");
    this.#options.observe?.({ kind: "restarted", party: party.id });
    this.checkers.restarted(party.id, (channel) => party.startsAfter(channel));
    const isHonest = !this.#liars.has(party.id);
    this.#links.lose(({ from, to }) => from === party.id || to === party.id);
    // Replaying says everything again; outboxes keep what is live, and every peer repeats what it has said.
    for (const effect of party.start()) {
      if (effect.kind === "send" && isHonest) this.checkers.said(party.id, effect.envelope);
      if (effect.kind === "send") party.outbox(effect.to).push({ kind: "message", envelope: effect.envelope });
      else if (effect.kind === "retire") for (const to of this.group.parties) party.outbox(to).retire(effect.tag);
      else if (effect.kind === "output") this.checkers.delivered(party.id, effect.channel, effect.value);
      else if (effect.kind === "stable") this.checkers.stable(party.id, effect, party.certified(effect));
    }
    this.#tellDigests(party);
    for (const peer of this.#parties) if (peer.isUp && peer !== party) this.#connections.connect(party, peer);
  }

  #changeLink(kind: "break" | "cut" | "mend", a: PartyId, b: PartyId): boolean {
    if (a === b || a >= this.group.n || b >= this.group.n) return false;
    if (kind === "break") return this.#breakLink(a, b);
    if (!(kind === "cut" ? this.#links.cut(a, b) : this.#links.mend(a, b))) return false;
    this.#count(`${kind}-link`);
    this.#options.observe?.({ kind: kind === "cut" ? "cut" : "mended", from: a, to: b });
    if (kind === "mend" && this.isUp(a) && this.isUp(b)) this.#connections.connect(this.#party(a), this.#party(b));
    return true;
  }

  #breakLink(a: PartyId, b: PartyId): boolean {
    if (!this.isUp(a) || !this.isUp(b)) return false;
    this.#count("break-link");
    this.#options.observe?.({ kind: "broke", from: a, to: b });
    this.#links.lose(({ from, to }) => (from === a && to === b) || (from === b && to === a));
    this.#connections.connect(this.#party(a), this.#party(b));
    return true;
  }

  #partition(parties: readonly PartyId[]): boolean {
    const side = PartySet.of(parties.filter((party) => party < this.group.n));
    if (!this.#links.partition(side)) return false;
    this.#count("partition");
    this.#options.observe?.({ kind: "partitioned", side: [...side] });
    return true;
  }

  #heal(): boolean {
    const side = this.#links.heal();
    if (side === undefined) return false;
    this.#count("heal");
    this.#options.observe?.({ kind: "healed" });
    for (const a of this.#parties) {
      for (const b of this.#parties)
        if (a.isUp && b.isUp && side.has(a.id) && !side.has(b.id)) this.#connections.connect(a, b);
    }
    return true;
  }
}
