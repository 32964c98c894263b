/**
 * Links that delete for ever and look well (the source's link failures), each direction by itself: a random set of directed links is cut,
 * as large as the seed wants, such that over the others every honest party still reaches every honest party. Corrupted
 * parties lie as always, and as relays drop, change, repeat and invent frames. All honest parties must deliver all that was submitted, and relaying
 * must cost no more than it may.
 */
import { concat, utf8 } from "../core/bytes.js";
import { decode } from "../core/codec.js";
import { type Group, thresholdGroup } from "../core/group.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import {
  type AtomicBroadcastProtocol,
  DEFAULT_DISSEMINATION,
  type DisseminationMode,
  atomicBroadcast,
  evidenceCheckOf,
} from "../protocols/index.js";
import { peerFrameCodec } from "../wire/peer-frames.js";
import { ATTACKS, CorruptedParty } from "./byzantine.js";
import { Checkers, Violation } from "./checkers.js";
import { forgetfulSuite } from "./liars.js";
import { LinkParty } from "./link-party.js";
import { mockRelayKeys } from "./mock-relay-keys.js";
import { mockSuite } from "./mock-suite.js";
import { Random, checkSeed } from "./random.js";
import { Trace } from "./trace.js";

export interface LinkFailuresOptions {
  readonly seed: number;
  /** 4 unless given; any (n-1)/3 of them are corrupted. */
  readonly n?: number;
  /** Payloads that clients hand to honest parties; 4 unless given. */
  readonly payloads?: number;
  /** `DEFAULT_DISSEMINATION` unless given. */
  readonly dissemination?: DisseminationMode;
  /** Whether parties relay; they do unless it is to be seen what happens without. */
  readonly relays?: boolean;
}

export interface LinkFailuresReport {
  readonly actions: Readonly<Record<string, number>>;
  readonly traceSha256: string;
  /** Directed links that delete everything. */
  readonly cut: readonly string[];
  /** Frames that honest parties put on links, and those among them that are relayed. */
  readonly frames: number;
  readonly relayedFrames: number;
  /** The most copies that honest parties made of one relayed frame, and what they may: (n-1) + (n-2)². */
  readonly mostCopies: number;
  readonly copiesBound: number;
}

const CLUSTER = utf8("abcast simulated cluster, 32 byte").subarray(0, 32);
const CHANNEL = "abc";
const VALID = 1;
/** Ticks of all parties with nothing in flight after which a run counts as stuck; repeating a frame may take MAX_REPEAT_TICKS. */
const MAX_IDLE_TICKS = 4000;
const MAX_STEPS = 2_000_000;
/** Relaying costs n³ frames. */
export const MAX_LINK_PARTIES = 16;

/** @throws Violation */
export function runLinkFailures(options: LinkFailuresOptions): LinkFailuresReport {
  return new LinkFailures(options).run();
}

interface PartyMaking {
  readonly seed: number;
  readonly dissemination: DisseminationMode;
  readonly channel: AtomicBroadcastProtocol;
  readonly relays: boolean;
}

interface Frame {
  readonly run: number;
  readonly bytes: Uint8Array;
}

class LinkFailures {
  readonly #random: Random;
  readonly #group: Group;
  readonly #corrupted: PartySet;
  readonly #cut: ReadonlySet<string>;
  readonly #parties: readonly LinkParty[];
  readonly #checkers: Checkers;
  readonly #trace = new Trace();
  readonly #actions = new Map<string, number>();
  /** What is on each link, in order. */
  readonly #links = new Map<string, { readonly from: PartyId; readonly to: PartyId; readonly frames: Frame[] }>();
  /** Of each relayed frame, the links on which honest parties put it. */
  readonly #copies = new Map<string, Set<string>>();
  readonly #unsubmitted: { readonly to: PartyId; readonly payload: Uint8Array }[] = [];
  readonly #restartRate: number;
  /** How often a corrupted party does not do with a frame what it should. */
  readonly #sabotage: number;
  #frames = 0;
  #relayedFrames = 0;
  #steps = 0;
  #invented = 0;

  constructor({
    seed,
    n = 4,
    payloads = 4,
    dissemination = DEFAULT_DISSEMINATION,
    relays = true,
  }: LinkFailuresOptions) {
    checkSeed(seed);
    if (n > MAX_LINK_PARTIES)
      throw new RangeError(`n=${n} parties; at most ${MAX_LINK_PARTIES} are simulated with all of their links`);
    const random = new Random(seed);
    this.#random = random;
    const byzantine = Math.floor((n - 1) / 3);
    this.#group = thresholdGroup({ n, byzantine });
    this.#corrupted = PartySet.of(random.shuffled(this.#group.parties).slice(0, byzantine));
    this.#cut = drawCuts(random, n, this.#honest(), random.pick([0.3, 0.6, 1]));
    this.#restartRate = random.pick([0, 0, 0.002]);
    this.#sabotage = random.pick([0, 0.3, 1]);
    const isHonest = (party: PartyId): boolean => !this.#corrupted.has(party);
    const isValid = (payload: Uint8Array): boolean => payload[0] === VALID;
    const isInEveryVector = (parties: PartySet): boolean => parties.size > byzantine;
    this.#checkers = new Checkers({ channels: [CHANNEL], isHonest, isValid, isInEveryVector, dissemination });
    const channel = atomicBroadcast({
      dissemination,
      vectorSize: n - byzantine,
      maxEntryPayloads: 16,
      maxEntryBytes: 16 * 1024,
      maxPayloads: 1000,
      maxPayloadsPerPeer: 1000,
      maxEarlyBytes: 1_000_000,
      speakFrom: 0,
      order: random.pick(["fixed", "random"]),
      isValid,
    });
    this.#parties = this.#group.parties.map((self) => this.#newParty(self, { seed, channel, dissemination, relays }));
    for (let index = 0; index < payloads; index++) this.#preparePayload(index);
  }

  #honest(): readonly PartyId[] {
    return this.#group.parties.filter((party) => !this.#corrupted.has(party));
  }

  #preparePayload(index: number): void {
    const payload = concat(Uint8Array.of(VALID), utf8(`payload ${index}`));
    const to = this.#random.pick(this.#honest());
    this.#unsubmitted.push({ to, payload });
    this.#checkers.submitted(CHANNEL, payload, to);
  }

  #newParty(self: PartyId, { seed, channel, dissemination, relays }: PartyMaking): LinkParty {
    const group = this.#group;
    const isCorrupted = this.#corrupted.has(self);
    const own = mockSuite(group, self, seed);
    const suite = forgetfulSuite(own, self, () => isCorrupted);
    const liar = new CorruptedParty({
      self,
      cluster: CLUSTER,
      group,
      suite: own,
      random: new Random(this.#random.bits()),
      corruption: { rate: this.#random.pick([0, 0.2, 1]), attacks: ATTACKS },
      dissemination,
      inventPayload: () => concat(Uint8Array.of(VALID), utf8(`invented ${this.#invented++ % 8}`)),
      onAttack: (attack) => this.#count(`attack:${attack}`),
    });
    const evidenceCheck = evidenceCheckOf(CLUSTER, suite);
    return new LinkParty({
      self,
      keys: relays ? mockRelayKeys(self, seed) : undefined,
      cluster: CLUSTER,
      group,
      suite,
      channels: { [CHANNEL]: channel },
      send: (to, frame) => this.#send(self, to, frame),
      tamper: (to, envelope) => (isCorrupted ? liar.tamper(to, envelope) : [envelope]),
      onEffect: (effect) => {
        this.#trace.record(self, effect);
        if (effect.kind === "output") this.#checkers.delivered(self, effect.channel, effect.value);
        else if (effect.kind === "accuse") this.#checkers.accused(self, effect.party, effect.tag, effect.fault);
        else if (effect.kind === "evidence") this.#checkers.proved(self, effect.evidence, evidenceCheck);
        else if (effect.kind === "send" && !isCorrupted) this.#checkers.said(self, effect.envelope);
      },
      onAccused: ({ party, fault }) => {
        this.#count(`accuse:${fault}`);
        if (!isCorrupted && !this.#corrupted.has(party))
          throw new Violation("no honest party accused", `party ${self} accused ${party} of ${fault}`);
      },
    });
  }

  #count(action: string): void {
    this.#actions.set(action, (this.#actions.get(action) ?? 0) + 1);
  }

  #send(from: PartyId, to: PartyId, bytes: Uint8Array): void {
    const frames = this.#corrupted.has(from) ? this.#sabotaged(bytes) : [bytes];
    if (!this.#corrupted.has(from)) this.#meter(from, to, bytes);
    const name = `${from}>${to}`;
    if (this.#cut.has(name)) return this.#count("deleted by a link");
    const link = this.#links.get(name) ?? { from, to, frames: [] };
    this.#links.set(name, link);
    const run = this.#parties[from]?.run ?? 1;
    for (const frame of frames) link.frames.push({ run, bytes: frame });
  }

  /** What a corrupted party does with a frame, its own or another's. */
  #sabotaged(bytes: Uint8Array): readonly Uint8Array[] {
    const random = this.#random;
    if (!random.chance(this.#sabotage)) return [bytes];
    const place = random.below(bytes.length);
    const kind = random.pick(["drop", "change", "repeat", "invent"] as const);
    this.#count(`sabotage:${kind}`);
    if (kind === "drop") return [];
    if (kind === "repeat") return [bytes, bytes];
    if (kind === "invent") return [bytes, random.bytes(random.below(100))];
    return [bytes.map((byte, index) => (index === place ? byte ^ (1 << random.below(8)) : byte))];
  }

  /** The bound on relaying: each party hands a frame to each neighbour once. */
  #meter(from: PartyId, to: PartyId, bytes: Uint8Array): void {
    this.#frames++;
    const frame = decode(peerFrameCodec, bytes);
    if (!frame.ok || frame.value.kind !== "relay") return;
    this.#relayedFrames++;
    const { origin, to: receiver, run, number } = frame.value;
    // A corrupted origin may sign two frames with one number: relays take the first that they see.
    const name = `${origin}>${receiver} ${run} #${number}`;
    const links = this.#copies.get(name) ?? new Set();
    this.#copies.set(name, links);
    // Who has started anew does not know what it handed on before.
    const link = `${from}>${to} in its run ${this.#parties[from]?.run ?? 1}`;
    if (links.has(link)) throw new Violation("relaying is bounded", `${name} was handed on twice, ${link}`);
    links.add(link);
  }

  /** On how many links one frame was put at most, each counted once. */
  get #mostCopies(): number {
    const counts = [...this.#copies.values()].map(
      (links) => new Set([...links].map((link) => link.split(" ")[0])).size,
    );
    return counts.reduce((most, count) => Math.max(most, count), 0);
  }

  get #copiesBound(): number {
    return this.#group.n - 1 + (this.#group.n - 2) ** 2;
  }

  run(): LinkFailuresReport {
    for (const party of this.#parties) party.start();
    let idleTicks = 0;
    while (!this.#isDone()) {
      if (++this.#steps > MAX_STEPS) throw new Violation("termination", `no end after ${MAX_STEPS} steps`);
      if (this.#step()) {
        idleTicks = 0;
      } else if (++idleTicks > MAX_IDLE_TICKS) {
        this.#checkers.quiescent(this.#honest());
        throw new Violation("termination", `nothing happens any more, over ${MAX_IDLE_TICKS} ticks`);
      }
    }
    this.#checkers.quiescent(this.#honest());
    if (this.#mostCopies > this.#copiesBound)
      throw new Violation(
        "relaying is bounded",
        `${this.#mostCopies} copies of a frame; at most ${this.#copiesBound} may be`,
      );
    return {
      actions: Object.fromEntries([...this.#actions].sort(([a], [b]) => (a < b ? -1 : 1))),
      traceSha256: this.#trace.finish(),
      cut: [...this.#cut],
      frames: this.#frames,
      relayedFrames: this.#relayedFrames,
      mostCopies: this.#mostCopies,
      copiesBound: this.#copiesBound,
    };
  }

  /** Whether all honest parties have delivered the same, all that was submitted, and nothing waits. */
  #isDone(): boolean {
    if (this.#unsubmitted.length > 0 || !this.#checkers.isComplete(this.#honest())) return false;
    return this.#honest().every((party) => this.#parties[party]?.inspect(CHANNEL).queueLength === 0);
  }

  /** False when nothing was in flight, and only time passed. */
  #step(): boolean {
    const random = this.#random;
    if (this.#unsubmitted.length > 0 && random.chance(0.05)) {
      const { to, payload } = this.#unsubmitted.shift() ?? { to: 0, payload: new Uint8Array(0) };
      this.#count("submit");
      this.#parties[to]?.submit(CHANNEL, payload);
    }
    if (random.chance(this.#restartRate)) this.#restart(random.pick(this.#parties));
    if (random.chance(0.02)) this.#tick(random.pick(this.#parties));
    const busy = [...this.#links.values()].filter(({ frames }) => frames.length > 0);
    if (busy.length === 0) {
      for (const party of this.#parties) this.#tick(party);
      return false;
    }
    const { from, to, frames } = random.pick(busy);
    const frame = frames.shift();
    if (frame !== undefined) this.#parties[to]?.receive(from, frame.run, frame.bytes);
    this.#count("deliver");
    return true;
  }

  #tick(party: LinkParty): void {
    this.#count("tick");
    party.tick();
  }

  #restart(party: LinkParty): void {
    this.#count("restart");
    for (const { from, to, frames } of this.#links.values())
      if (from === party.id || to === party.id) frames.length = 0;
    this.#checkers.restarted(party.id);
    party.restart();
  }
}

/** Cuts each directed link with this probability, unless some honest party would no longer reach another one over honest ones. */
function drawCuts(random: Random, n: number, honest: readonly PartyId[], probability: number): ReadonlySet<string> {
  const parties = Array.from({ length: n }, (_, party) => party);
  const links = parties.flatMap((from) => parties.filter((to) => to !== from).map((to) => `${from}>${to}`));
  const cut = new Set<string>();
  for (const link of random.shuffled(links)) {
    if (!random.chance(probability)) continue;
    cut.add(link);
    if (!isStronglyConnected(honest, cut)) cut.delete(link);
  }
  return cut;
}

function isStronglyConnected(parties: readonly PartyId[], cut: ReadonlySet<string>): boolean {
  return parties.every((start) => {
    const reached = new Set([start]);
    for (const from of reached) for (const to of parties) if (!cut.has(`${from}>${to}`)) reached.add(to);
    return parties.every((party) => reached.has(party));
  });
}
