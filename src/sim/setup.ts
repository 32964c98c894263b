/** Everything that seed and scenario fix before the first step: who fails, which payloads there are, what the weather is. */
import { concat, utf8 } from "../core/bytes.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import { type Structure, expand } from "../core/structure.js";
import type { Suite } from "../core/suite.js";
import { DEFAULT_DISSEMINATION, atomicBroadcast } from "../protocols/index.js";
import type { Observer } from "./event.js";
import { mockSuite } from "./mock-suite.js";
import { withKappa } from "./kappa.js";
import type { SimChannel } from "./party.js";
import { Random, checkSeed } from "./random.js";
import { type Scenario, adversaryOf, checkScenario, vectorSizeOf } from "./scenario.js";
import type { Submission } from "./submissions.js";
import type { Hash } from "./trace.js";
import { type Weather, drawWeather } from "./weather.js";
import { World } from "./world.js";

const CLUSTER = utf8("abcast simulated cluster, 32 byte").subarray(0, 32);
/** Steps before which parties that stop for ever have stopped. */
const LAST_STOP = 400;
const MAX_STEPS = 1_000_000;
const VALID = 1;

export interface SetupOptions extends Scenario {
  readonly seed: number;
  /** The suites of all parties; the mock suite unless given. */
  readonly suites?: readonly Suite[];
}

/** What a run may have of its host; nothing of it makes it another run. */
export interface Host {
  readonly observe?: Observer | undefined;
  /** A new SHA-256 that is faster than the one in JavaScript. */
  readonly newHash?: (() => Hash) | undefined;
}

export interface Setup {
  readonly world: World;
  readonly weather: Weather;
  /** For what the scheduler chooses. */
  readonly random: Random;
  /** Parties that stop for ever, each at its step. */
  readonly stops: ReadonlyMap<PartyId, number>;
  /** Neither corrupted nor stopped: those for whom termination is promised. */
  readonly core: readonly PartyId[];
}

/** @throws ScenarioError, and RangeError for a seed that is none */
export function setUp(options: SetupOptions, { observe, newHash }: Host = {}): Setup {
  const { seed, channels: tags = ["abc"] } = options;
  checkSeed(seed);
  checkScenario(options);
  const random = new Random(seed);
  const adversary = adversaryOf(options);
  const { group } = adversary;
  const weather = { ...drawWeather(random, group, seed), ...given(options.weather ?? {}) };
  const corrupted = drawFailing(random, adversary.byzantine, group.n, new PartySet(), options.corrupted);
  const stopped = drawFailing(random, adversary.crash, group.n, corrupted, options.stopped);
  const stops = new Map([...stopped].map((party) => [party, random.below(LAST_STOP)] as const));
  const core = group.parties.filter((party) => !corrupted.has(party) && !stopped.has(party));

  const vectorSize = vectorSizeOf(options, adversary);
  const { checkpointInterval } = weather;
  const maxEarlyBytes = random.chance(0.2) ? 2000 : 1_000_000;
  const { dissemination = DEFAULT_DISSEMINATION } = options;
  const isPaced = dissemination === "certified" && weather.isPaced;
  const channel: SimChannel = ({ restore, batches, speakFrom }) =>
    atomicBroadcast({
      dissemination,
      isPaced,
      laneWindow: weather.laneWindow,
      kept: (name) => batches.get(name),
      vectorSize,
      maxEntryPayloads: weather.maxEntryPayloads,
      maxEntryBytes: 16 * 1024,
      maxPayloads: 1000,
      maxPayloadsPerPeer: 1000,
      maxEarlyBytes,
      speakFrom,
      order: options.order ?? "fixed",
      delivery: options.delivery,
      parallel: options.parallel,
      isValid,
      checkpointInterval,
      restore,
    });
  const payload = (name: string): Uint8Array =>
    concat(Uint8Array.of(VALID), utf8(name), random.bytes(weather.payloadBytes));
  const submissions = drawSubmissions(options, {
    random,
    tags,
    core,
    corrupted,
    stopped,
    copies: weather.copies,
    payload,
  });
  const suites = options.suites ?? group.parties.map((party) => mockSuite(group, party, seed));
  const world = new World({
    seed,
    cluster: CLUSTER,
    group,
    suites: suites.map((suite) => withKappa(options.kappa, suite)),
    channels: Object.fromEntries(tags.map((tag) => [tag, channel])),
    isValid,
    isInEveryVector: (parties) => {
      const others = PartySet.upTo(group.n).difference(parties);
      return vectorSize === "quorum" ? !group.isQuorum(others) : others.size < vectorSize;
    },
    checkpointInterval,
    isPaced,
    dissemination,
    corrupted,
    corruption: weather,
    submissions,
    inventPayload: (index) => concat(Uint8Array.of(VALID), utf8(`invented ${index}`)),
    maxSteps: options.maxSteps ?? MAX_STEPS,
    observe,
    newHash,
  });
  return { world, weather, random, stops, core };
}

/** A payload that may be ordered: its first byte says so. */
function isValid(payload: Uint8Array): boolean {
  return payload[0] === VALID;
}

/** The fields that are there. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** A greatest set that may fail, without those of `others`; `count` of its members, if that is given and less. */
function drawFailing(random: Random, structure: Structure, n: number, others: PartySet, count = Infinity): PartySet {
  const { sets, extra } = expand(structure, n);
  const set = random.pick(sets);
  const rest = random.shuffled([...PartySet.upTo(n).difference(set).difference(others)]);
  const failing = [...set.difference(others), ...rest.slice(0, extra)];
  return PartySet.of(random.shuffled(failing).slice(0, count));
}

interface Submitting {
  readonly random: Random;
  readonly tags: readonly string[];
  readonly core: readonly PartyId[];
  readonly corrupted: PartySet;
  readonly stopped: PartySet;
  readonly copies: Weather["copies"];
  readonly payload: (name: string) => Uint8Array;
}

/** What clients hand over. */
function drawSubmissions(
  { payloads = 4 }: Scenario,
  { random, tags, core, corrupted, stopped, copies, payload }: Submitting,
): readonly Submission[] {
  const submissions: Submission[] = [];
  for (let index = 0; index < payloads; index++) {
    const channel = random.pick(tags);
    // A client hands its payload to some honest party, often to several; whoever stops may take it along.
    const first = { channel, to: random.pick(core), payload: payload(`payload ${index}`) };
    submissions.push(first);
    if (copies === "some" && random.chance(0.5)) continue;
    for (const to of [...core, ...stopped]) if (to !== first.to) submissions.push({ ...first, to });
  }
  if (copies === "all") return submissions;
  // A corrupted party's own clients have their payloads too.
  for (const to of corrupted) {
    for (const channel of tags) submissions.push({ channel, to, payload: payload(`of corrupted party ${to}`) });
  }
  return submissions;
}
