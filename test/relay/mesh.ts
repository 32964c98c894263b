/**
 * Couriers of one group over directed links that a test cuts: a cut link deletes for ever and nobody is told. Frames move in an order
 * that a seed fixes, those of one link in order.
 */
import { utf8 } from "../../src/core/bytes.js";
import { decode } from "../../src/core/codec.js";
import type { Envelope } from "../../src/core/envelope.js";
import type { PartyId } from "../../src/core/party-set.js";
import type { Courier, CourierFault } from "../../src/relay/courier.js";
import { Post } from "../../src/relay/post.js";
import { type Archive, NO_CHECKPOINTS } from "../../src/relay/serving.js";
import { mockRelayKeys } from "../../src/sim/mock-relay-keys.js";
import { Random } from "../../src/sim/random.js";
import { type Relayed, type StateItem, peerFrameCodec } from "../../src/wire/peer-frames.js";

export const CLUSTER = new Uint8Array(32).fill(1);

export interface MeshOptions {
  readonly n: number;
  readonly seed?: number;
  /** Directed links, as `from>to`. */
  readonly cut?: Iterable<string>;
  /** Relay queues hold so many frames of one origin; more are dropped. No bound unless given. */
  readonly lineFrames?: number;
  readonly cluster?: Uint8Array;
  /** Of all parties; all proofs and no checkpoint unless given. */
  readonly archive?: Archive;
}

export interface Heard {
  readonly from: PartyId;
  readonly to: PartyId;
  readonly name: string;
}

export function envelope(name: string, tag = "abc/1"): Envelope {
  return { tag, body: utf8(name) };
}

export function proofOf(channel: string, round: number): Envelope {
  return envelope(`proof-${round}`, `${channel}/${round}`);
}

export class Mesh {
  readonly n: number;
  readonly parties: readonly PartyId[];
  readonly cut: Set<string>;
  readonly #posts: Post[] = [];
  readonly heard: Heard[] = [];
  readonly state: { readonly from: PartyId; readonly to: PartyId; readonly item: StateItem }[] = [];
  readonly faults: { readonly by: PartyId; readonly party: PartyId; readonly fault: CourierFault }[] = [];
  /** Who noticed that who started anew, as `by:party`. */
  readonly restarts: string[] = [];
  /** Copies of each relayed frame on each link: `origin>to run number: from>to`. */
  readonly copies = new Map<string, number>();
  /** Parties that do nothing. */
  readonly dead = new Set<PartyId>();
  /** Nothing heard is durable before it is settled; at once unless a test wants to settle by itself. */
  settles = true;
  readonly #options: MeshOptions;
  readonly #random: Random;
  readonly #links = new Map<string, Uint8Array[]>();
  readonly #runs: number[] = [];

  constructor(options: MeshOptions) {
    this.n = options.n;
    this.parties = Array.from({ length: options.n }, (_, party) => party);
    this.cut = new Set(options.cut);
    this.#options = options;
    this.#random = new Random(options.seed ?? 1);
    for (const party of this.parties) this.start(party);
  }

  /** A new run of `party`, which remembers nothing. */
  start(party: PartyId): void {
    const run = (this.#runs[party] ?? 0) + 1;
    this.#runs[party] = run;
    this.#posts[party] = new Post({
      self: party,
      run,
      cluster: this.#options.cluster ?? CLUSTER,
      parties: this.parties,
      keys: mockRelayKeys(party, 1),
      proofsPerRequest: 4,
      round: (channel) => (channel === "abc" ? 100 : undefined),
      archive: this.#options.archive ?? { ...NO_CHECKPOINTS, proof: proofOf },
      send: (to, frame) => this.send(party, to, frame),
      onRestart: (peer) => this.restarts.push(`${party}:${peer}`),
    });
  }

  #post(party: PartyId): Post {
    const post = this.#posts[party];
    if (post === undefined) throw new Error(`no party ${party}`);
    return post;
  }

  courier(party: PartyId): Courier {
    return this.#post(party).courier;
  }

  post(from: PartyId, to: PartyId, name: string, tag?: string): void {
    this.courier(from).post(to, envelope(name, tag));
    this.#post(from).flush();
  }

  /** As `post`, of bulk that is so long. */
  postBulk(from: PartyId, to: PartyId, name: string, sizeBytes = 0): void {
    const { tag, body } = envelope(name.padEnd(sizeBytes));
    this.courier(from).post(to, { tag, body }, "bulk");
    this.#post(from).flush();
  }

  send(from: PartyId, to: PartyId, bytes: Uint8Array): void {
    if (this.dead.has(from)) return;
    const link = `${from}>${to}`;
    const frame = decode(peerFrameCodec, bytes);
    if (frame.ok && frame.value.kind === "relay") {
      const key = `${nameOf(frame.value)}: ${link}`;
      this.copies.set(key, (this.copies.get(key) ?? 0) + 1);
    }
    if (this.cut.has(link)) return;
    const queue = this.#links.get(link);
    const relays = queue?.filter((waiting) => waiting[0] === bytes[0]).length ?? 0;
    if (frame.ok && frame.value.kind === "relay" && relays >= (this.#options.lineFrames ?? Infinity)) return;
    if (queue === undefined) this.#links.set(link, [bytes]);
    else queue.push(bytes);
  }

  /** Moves a frame of some link; false when none waits. */
  step(): boolean {
    const waiting = [...this.#links].filter(([, queue]) => queue.length > 0);
    if (waiting.length === 0) return false;
    const [link, queue] = this.#random.pick(waiting);
    const [from = 0, to = 0] = link.split(">").map(Number);
    const bytes = queue.shift();
    if (bytes !== undefined && !this.dead.has(to)) this.hand(from, to, bytes);
    return true;
  }

  /** `to` receives the frame from its neighbour `from`. */
  hand(from: PartyId, to: PartyId, bytes: Uint8Array): void {
    const { envelopes, state, accused, from: origin } = this.#post(to).receive(from, this.#runs[from] ?? 0, bytes);
    for (const { body } of envelopes) this.heard.push({ from: origin, to, name: new TextDecoder().decode(body) });
    for (const item of state) this.state.push({ from: origin, to, item });
    if (accused !== undefined) this.faults.push({ by: to, ...accused });
    if (this.settles) this.courier(to).settle();
    this.#post(to).flush();
  }

  settle(): void {
    while (this.step());
  }

  /** Moves everything, then lets time pass, `ticks` times. */
  pass(ticks: number): void {
    for (let tick = 0; tick < ticks; tick++) {
      this.settle();
      for (const party of this.parties) {
        if (this.dead.has(party)) continue;
        this.courier(party).tick();
        this.#post(party).flush();
      }
    }
    this.settle();
  }

  /** The state that `to` was given, and by whom, without numbers of items. */
  stateOf(to: PartyId): string[] {
    return this.state
      .filter((one) => one.to === to)
      .map(({ from, item }) => {
        if (item.kind === "checkpoint") return `${from} offers ${new TextDecoder().decode(item.summary)}`;
        if (item.kind === "rejoin") return `${from} rejoins`;
        if (item.kind === "batch")
          return `${from} batch ${item.lane}/${item.height} ${new TextDecoder().decode(item.bytes)}`;
        return `${from} ${item.kind} ${item.round}/${item.index}`;
      });
  }

  /** What `to` has heard of `from`. */
  names(from: PartyId, to: PartyId): string[] {
    return this.heard.filter((one) => one.from === from && one.to === to).map(({ name }) => name);
  }

  /** Relayed frames that were made, and their copies on links. */
  get relayed(): { readonly frames: number; readonly copies: number; readonly most: number } {
    const names = new Set([...this.copies.keys()].map((key) => key.slice(0, key.indexOf(":"))));
    const counts = [...this.copies.values()];
    return { frames: names.size, copies: counts.reduce((sum, count) => sum + count, 0), most: Math.max(0, ...counts) };
  }
}

function nameOf({ origin, to, run, number }: Relayed): string {
  return `${origin}>${to} ${run} ${number}`;
}

/** Whether each of `parties` reaches each other over directed links that are not cut and parties among them. */
export function isStronglyConnected(parties: readonly PartyId[], cut: ReadonlySet<string>): boolean {
  const reaches = (backwards: boolean): number => {
    const [first] = parties;
    const reached = new Set(first === undefined ? [] : [first]);
    for (const from of reached)
      for (const to of parties) if (!cut.has(backwards ? `${to}>${from}` : `${from}>${to}`)) reached.add(to);
    return reached.size;
  };
  return reaches(false) === parties.length && reaches(true) === parties.length;
}
