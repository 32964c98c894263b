/**
 * Dissemination `certified`: payloads travel in certified batches, and agreement orders heights of lanes only.
 *
 * Source: docs/protocols.md, "Lanes". The idea is of Danezis and others, *Narwhal and Tusk*, EuroSys 2022, and of Gao and others, *Dumbo-NG*,
 * CCS 2022: dissemination goes on while agreement runs.
 *
 * Each party has a *lane*, a chain of batches. Messages, with the tag `lane/p/h` for height h of the lane of party p:
 *   batch(m)           p → all     m: the place of its parent, and payloads; H(m): of that place and their digests. When no earlier own batch
 *                                  waits for its place in an own entry, when a part waits that is worth one and all earlier ones have their
 *                                  certificates, or when one is full
 *   share(σ)           i → p       on (tag, H(m)): i stores the whole lane from the last cut up to it, and takes each payload
 *   certified(d, c)    p → all     from a broadcast quorum of shares; of several of one lane the last is verified, when an entry needs it
 * In a round (round.ts):
 *   queue(clock, heights, σ; tips)  all → all   of each lane the greatest certified height that the party knows; and, unsigned, the
 *                                               certificates of lanes beyond the last cut, which receivers adopt before they sign
 * A party takes part in a round when it knows a lane to be certified beyond the cut, and its host lets it (`proceed`).
 *
 * A *cut* is a place in each lane. The vector has, of each lane, one certificate at least as high as any entry names; these are the new cut
 * where they are beyond the old one. Between the cuts everything is delivered: lane by lane from lane `r mod n` on, heights upwards, without
 * payloads that were delivered before. A round may deliver nothing.
 *
 * Agreement and total order do not rest on lanes being chains without forks: the decided tips name everything that is delivered by digest
 * (ordering.ts). An owner that forks its lane, or withholds batches, stalls its own lane only.
 *
 * Limits: of each lane `2·laneWindow` batches beyond the cut are stored, and as many wait for their parents; what is beyond is
 * dropped, which is remembered, and asked for again after the next cut. An honest owner has at most `laneWindow`. What its own clients
 * send is bounded by `maxPayloads`; batches are bounded by MAX_BATCH_BYTES.
 */
import { equalBytes } from "../../../core/bytes.js";
import { decode, encode } from "../../../core/codec.js";
import type { Fault } from "../../../core/fault.js";
import type { PartyId } from "../../../core/party-set.js";
import { type BatchName, InvariantError, type Scope, StaleStoreError } from "../../../core/protocol.js";
import type { Admission } from "../admission.js";
import type { Boundary } from "../boundary.js";
import type { Dissemination, Frame } from "../dissemination.js";
import type { EntryKind } from "../entries.js";
import { MAX_LANES } from "../messages.js";
import { type AtomicBroadcastOptions, DEFAULT_LANE_WINDOW, refuse } from "../options.js";
import type { Waiting } from "../queue.js";
import { type LocalSettings, batchSettingsProblem } from "../settings.js";
import { Backlog } from "./backlog.js";
import { Lane, isSame } from "./lane.js";
import {
  BATCH,
  type Batch,
  type CutEntry,
  type CutVector,
  type LaneMessage,
  type Place,
  type Tip,
  batchDigest,
  cutCodec,
  cutEntryBody,
  cutEntryCodec,
  cutVectorCodec,
  greatestOf,
  laneMessageCodec,
  lanePath,
  readBatch,
  writeBatch,
} from "./messages.js";
import { Ordering } from "./ordering.js";
import { OwnLane } from "./own-lane.js";
import { restored } from "./restored.js";
import { encodeLanes, ownFrom } from "./snapshot.js";
import { Voice } from "./voice.js";

/** Of a full batch, what is worth one of its own while an earlier one waits for a round: n parties check the signatures of a quorum. */
const leastPart = (n: number): number => Math.min(1, n ** 2 / 256);
/** Of what the last cut ordered of the own lane, what is worth a batch: the rest of a round's goes with the next. */
const PART_OF_ROUND = 3 / 4;

export interface CertifiedOptions {
  readonly scope: Scope<never, never>;
  readonly options: AtomicBroadcastOptions;
  readonly start: Boundary;
  readonly frame: Frame;
  readonly admission: Admission;
}

export class Certified implements Dissemination<CutEntry, CutVector> {
  readonly entries: EntryKind<CutEntry, CutVector>;
  readonly alwaysDelivers = false;
  readonly #scope: Scope<never, never>;
  readonly #frame: Frame;
  readonly #admission: Admission;
  readonly #voice: Voice;
  readonly #window: number;
  readonly #isPaced: boolean;
  readonly #lanes: readonly Lane[];
  readonly #own: OwnLane;
  readonly #backlog: Backlog;
  readonly #ordering: Ordering;
  /** Of each lane, heights of which this party has said something that was not retired. */
  readonly #said: number[][];
  #proceedTo: number;
  #wasMuted: boolean;
  /** Tips that were checked last: each entry of a vector has the same. */
  #checkedTips: readonly Tip[] | undefined;

  constructor({ scope, options, start, frame, admission }: CertifiedOptions) {
    const { n } = scope.group;
    refuse(n > MAX_LANES ? `n=${n} is more than ${MAX_LANES} lanes` : undefined);
    this.#scope = scope;
    this.#frame = frame;
    this.#admission = admission;
    this.#voice = new Voice(scope);
    this.#window = options.laneWindow ?? DEFAULT_LANE_WINDOW;
    this.#isPaced = options.isPaced === true;
    const state = ownFrom(restored(scope, options, start.lanes), scope.self, options.laneBefore ?? 0);
    this.#lanes = state.lanes.map((lane) => new Lane(2 * this.#window, lane));
    this.#said = state.lanes.map(({ said }) => [...said]);
    this.#own = new OwnLane(scope, state.own);
    this.#backlog = new Backlog(
      admission,
      start.waiting.map(({ payload }) => payload),
    );
    for (const { batch } of state.own.sealed) this.#backlog.markSealed(batch.payloads);
    this.#ordering = new Ordering(scope, admission);
    this.#proceedTo = state.proceedTo;
    this.#wasMuted = state.wasMuted;
    this.entries = {
      entry: cutEntryCodec,
      vector: cutVectorCodec,
      body: cutEntryBody,
      fault: ({ heights }) => this.#heightsFault(heights),
      supportFault: (content) => this.#tipsFault(content),
      vectorOf: (entries) => ({
        entries: entries.map(({ party, clock, heights, signature }) => ({ party, clock, heights, signature })),
        tips: greatestOf(entries.flatMap(({ tips }) => tips)),
      }),
      entriesOf: ({ entries, tips }) => entries.map((entry) => ({ ...entry, tips })),
    };
    if (!frame.isMuted()) this.#sayAgain();
  }

  /** After a restart: what is not retired. */
  #sayAgain(): void {
    for (const [party, lane] of this.#lanes.entries())
      for (const { batch, isSigned } of lane.stored) if (isSigned) this.#voice.acknowledge(party, batch);
    for (const { batch, certificate } of this.#own.state.sealed) this.#announce(batch, certificate);
  }

  #announce({ height, bytes, digest }: Batch, certificate: Uint8Array | undefined): void {
    const { self } = this.#scope;
    this.#voice.announce(self, height, { kind: "batch", batch: bytes });
    if (certificate !== undefined) this.#voice.announce(self, height, { kind: "certified", digest, certificate });
  }

  settingsProblem(settings: LocalSettings): string | undefined {
    return batchSettingsProblem(settings);
  }

  #lane(party: PartyId): Lane {
    const lane = this.#lanes[party];
    if (lane === undefined) throw new InvariantError(`no lane ${party}`);
    return lane;
  }

  get #ownLane(): Lane {
    return this.#lane(this.#scope.self);
  }

  begin(): void {
    const isMuted = this.#frame.isMuted();
    if (this.#wasMuted && !isMuted) {
      // It may have spoken in its lane in a life that it has forgotten, or knows no more of it than how far.
      this.#restart(Math.max(this.#latest(), this.#ownLane.signed + 1));
      for (const party of this.#lanes.keys()) this.#acknowledge(party);
    }
    this.#wasMuted = isMuted;
  }

  /** Beyond all heights that may be in use before this round, and within those to which lanes may skip in it. */
  #latest(): number {
    return 4 * this.#window * this.#frame.round();
  }

  #restart(first: number): void {
    this.#own.restart(first);
    this.#backlog.unseal();
  }

  entry(clock: number): CutEntry | undefined {
    if (this.#isPaced && this.#frame.round() > this.#proceedTo) return undefined;
    this.#verifyClaims();
    const tips = this.#lanes.flatMap(({ tip }) => tip ?? []);
    if (tips.length === 0) return undefined;
    const heights = this.#lanes.map(({ cut, tip }) => (tip ?? cut).height);
    this.#own.named = heights[this.#scope.self] ?? 0;
    return { clock, heights, tips };
  }

  learn(_: PartyId, { tips }: CutEntry): void {
    for (const tip of tips) this.#lane(tip.lane).adopt(tip);
  }

  /** Each at least the cut's, and one beyond it: so that each entry brings something new. */
  #heightsFault(heights: readonly number[]): Fault | undefined {
    const isOfAll = heights.length === this.#lanes.length;
    const areRight = isOfAll && heights.every((height, party) => height >= this.#lane(party).cut.height);
    const isNew = heights.some((height, party) => height > (this.#lanes[party]?.cut.height ?? height));
    return areRight && isNew ? undefined : "invalid-queue-entry";
  }

  /** Certificates that verify, of different lanes beyond the cut, that cover every height. */
  #tipsFault({ heights, tips }: CutEntry): Fault | undefined {
    if (tips !== this.#checkedTips) {
      let previous = -1;
      for (const tip of tips) {
        if (tip.lane <= previous || tip.lane >= this.#lanes.length) return "invalid-queue-entry";
        if (tip.height <= this.#lane(tip.lane).cut.height) return "invalid-queue-entry";
        if (!this.#isCertified(tip)) return "invalid-certificate";
        previous = tip.lane;
      }
      this.#checkedTips = tips;
    }
    const covered = this.#lanes.map(({ cut }) => cut.height);
    for (const { lane, height } of tips) covered[lane] = height;
    return heights.every((height, party) => height <= (covered[party] ?? 0)) ? undefined : "invalid-queue-entry";
  }

  #isCertified(tip: Tip): boolean {
    const known = this.#lane(tip.lane).tip;
    if (isSame(tip, known) && equalBytes(tip.certificate, known?.certificate ?? new Uint8Array(0))) return true;
    const statement = this.#scope.statement(BATCH, tip.digest, lanePath(tip.lane, tip.height));
    return this.#scope.suite.broadcastCertifier.verify(statement, tip.certificate);
  }

  submit(payload: Uint8Array): void {
    if (this.room > 0) this.#backlog.append(payload);
  }

  /** Seals what may be sealed. */
  settle(): boolean {
    let isCertified = false;
    while (this.#maySeal) isCertified = this.#seal() || isCertified;
    return isCertified;
  }

  /**
   * Little traffic goes at once; under load batches fill while rounds run. What waits is not to miss the next round for want of a certificate,
   * so that parts of a batch go, too, most of what a round orders of this lane of late. At most to half of the window, which is
   * else soon used up by small ones.
   */
  get #maySeal(): boolean {
    if (this.#frame.isMuted() || !this.#backlog.isWaiting || this.#own.length >= this.#window) return false;
    const { maxEntryPayloads, maxEntryBytes } = this.#frame.settings();
    const fills = (part: number): boolean => this.#backlog.fills(maxEntryPayloads * part, maxEntryBytes * part);
    const maySealPart = this.#own.isCertified && this.#own.length < this.#window / 2;
    const part = Math.max(leastPart(this.#lanes.length), (PART_OF_ROUND * this.#own.orderedBytes) / maxEntryBytes);
    return !this.#own.isWaiting || (maySealPart && fills(part)) || fills(1);
  }

  /** True when nobody else need sign. */
  #seal(): boolean {
    const { maxEntryPayloads, maxEntryBytes } = this.#frame.settings();
    const { cut, end } = this.#ownLane;
    const parent = end.height < this.#own.first ? cut : end;
    const height = Math.max(parent.height + 1, this.#own.first);
    const payloads = this.#backlog.seal(maxEntryPayloads, maxEntryBytes);
    const read = readBatch(height, writeBatch(parent, payloads));
    if (read === undefined) throw new InvariantError(`an own batch of ${this.#scope.tag} that does not decode`);
    const batch = { ...read, digest: batchDigest({ parent, payloads }, this.#scope.suite, this.#admission) };
    this.#own.seal(batch);
    this.#announce(batch, undefined);
    this.#keep(this.#scope.self, batch);
    return this.#ownLane.tip?.height === height;
  }

  /** The host has it also when a cut proves it before its parent came. */
  #keep(party: PartyId, batch: Batch): void {
    const { height, digest, bytes } = batch;
    this.#scope.keepBatch({ lane: party, height, digest }, bytes);
    this.#lane(party).keep(batch);
    this.#grow(party);
  }

  /** Stores what has become part of a lane's chain, and signs for it. */
  #grow(party: PartyId): void {
    const fault = this.#lane(party).grow();
    if (fault !== undefined) this.#scope.accuse(party, fault);
    this.#acknowledge(party);
  }

  #acknowledge(party: PartyId): void {
    if (this.#frame.isMuted()) return;
    for (const batch of this.#lane(party).sign()) {
      this.#said[party]?.push(batch.height);
      const share = this.#voice.acknowledge(party, batch);
      if (party === this.#scope.self) this.#addShare(party, batch.height, share);
    }
  }

  #addShare(from: PartyId, height: number, share: Uint8Array): void {
    const { self } = this.#scope;
    const certificate = this.#own.addShare(from, height, share);
    const digest = this.#ownLane.at(height)?.digest;
    if (certificate === undefined || digest === undefined) return;
    this.#voice.announce(self, height, { kind: "certified", digest, certificate });
    this.#ownLane.adopt({ lane: self, height, digest, certificate });
  }

  decided({ tips }: CutVector): void {
    this.#retire();
    const moved = tips.map((tip) => {
      const lane = this.#lane(tip.lane);
      const floor = lane.cut.height;
      if (tip.lane === this.#scope.self) this.#checkOwn(tip);
      return { tip, floor, here: lane.moveTo({ height: tip.height, digest: tip.digest }) };
    });
    this.#own.moveTo(this.#ownLane.cut.height);
    this.#ordering.add(this.#frame.round(), moved);
    for (const [party, lane] of this.#lanes.entries()) {
      this.#grow(party);
      if (lane.takeDropped() && party !== this.#scope.self) this.#scope.askRepeat(party);
    }
  }

  /** What is below the last cut was decided a round ago: whoever lacks it asks for it by its digest. */
  #retire(): void {
    for (const [party, said] of this.#said.entries()) {
      const { height } = this.#lane(party).cut;
      for (const old of said) if (old <= height) this.#scope.retire(lanePath(party, old));
      this.#said[party] = said.filter((one) => one > height);
    }
  }

  /** @throws StaleStoreError when others have batches of this party's lane that it has not made in this life, and should know */
  #checkOwn(tip: Tip): void {
    if (this.#frame.isMuted()) return;
    // Of a life that is forgotten: what was sealed since then does not follow it.
    if (tip.height < this.#own.first) return this.#restart(4 * this.#window * (this.#frame.round() + 1));
    if (!isSame(tip, this.#ownLane.at(tip.height)))
      throw new StaleStoreError("the others have a batch of our lane that we lack: this store is not the latest");
  }

  take(): readonly Uint8Array[] | undefined {
    return this.#ordering.next();
  }

  delivered(): void {
    this.#backlog.dropClosed();
  }

  get cut(): Uint8Array {
    return encode(
      cutCodec,
      this.#lanes.map(({ cut: { height, digest } }): Place => ({ height, digest })),
    );
  }

  orphan(from: PartyId, path: string, body: Uint8Array): boolean {
    const [, lane = "", digits = ""] = /^lane\/(0|[1-9][0-9]{0,2})\/([1-9][0-9]{0,15})$/.exec(path) ?? [];
    const party = Number(lane);
    const height = Number(digits);
    if (digits === "" || party >= this.#lanes.length || !Number.isSafeInteger(height)) return false;
    const message = decode(laneMessageCodec, body);
    if (message.ok) this.#receive(from, party, height, message.value);
    else this.#scope.accuse(from, "malformed-message");
    return true;
  }

  #receive(from: PartyId, party: PartyId, height: number, message: LaneMessage): void {
    const speaker = message.kind === "share" ? from : party;
    const hearer = message.kind === "share" ? party : this.#scope.self;
    if (from === this.#scope.self || from !== speaker || hearer !== this.#scope.self)
      return this.#scope.accuse(from, "wrong-sender");
    if (message.kind === "share") this.#onShare(from, height, message.share);
    else if (message.kind === "batch") this.#onBatch(party, height, message.batch);
    else this.#lane(party).claimed({ lane: party, height, digest: message.digest, certificate: message.certificate });
  }

  #onShare(from: PartyId, height: number, share: Uint8Array): void {
    if (!this.#own.wants(from, height)) return;
    if (this.#own.isShare(from, height, share)) this.#addShare(from, height, share);
    else this.#scope.accuse(from, "invalid-share");
  }

  #onBatch(party: PartyId, height: number, bytes: Uint8Array): void {
    const lane = this.#lane(party);
    if (height <= lane.cut.height) return this.#ordering.offer(party, height, bytes);
    const known = lane.at(height);
    if (known !== undefined) {
      if (!equalBytes(known.bytes, bytes)) this.#scope.accuse(party, "equivocation");
      return;
    }
    const batch = readBatch(height, bytes);
    if (batch === undefined) return this.#scope.accuse(party, "malformed-message");
    if (!lane.hasRoom(batch, this.#latest())) return;
    // The first bad one ends it: each takes a hash, and may take a signature check.
    if (!batch.payloads.every((payload) => this.#admission.identify(payload) !== undefined))
      return this.#scope.accuse(party, "invalid-batch");
    this.#keep(party, { ...batch, digest: batchDigest(batch, this.#scope.suite, this.#admission) });
  }

  /** Of what owners say to be certified, what is. */
  #verifyClaims(): void {
    for (const claim of this.#lanes.flatMap((lane) => lane.takeClaim() ?? []))
      if (this.#isCertified(claim)) this.#adopt(claim);
      else this.#scope.accuse(claim.lane, "invalid-certificate");
  }

  #adopt(tip: Tip): void {
    const lane = this.#lane(tip.lane);
    const known = lane.at(tip.height);
    if (known !== undefined && !isSame(tip, known)) this.#scope.accuse(tip.lane, "equivocation");
    lane.adopt(tip);
  }

  proceed(round: number): void {
    this.#proceedTo = Math.max(this.#proceedTo, round);
  }

  batch(from: PartyId, name: BatchName, bytes: Uint8Array): void {
    if (this.#ordering.take(name, bytes) === "false") this.#scope.accuse(from, "invalid-batch");
  }

  get room(): number {
    return Math.max(0, this.#frame.settings().maxPayloads - this.#backlog.weight);
  }

  get waiting(): readonly Waiting[] {
    return this.#backlog.payloads.map((payload) => ({ payload, broughtBy: this.#scope.self }));
  }

  get queueLength(): number {
    return this.#backlog.length;
  }

  get hasWork(): boolean {
    return this.#lanes.some(({ tip, claim }) => (tip ?? claim) !== undefined);
  }

  get acknowledged(): readonly number[] {
    return this.#lanes.map(({ signed }) => signed);
  }

  snapshot(): Uint8Array {
    return encodeLanes({
      lanes: this.#lanes.map((lane, party) => ({ ...lane.state, said: this.#said[party] ?? [] })),
      own: this.#own.state,
      proceedTo: this.#proceedTo,
      wasMuted: this.#wasMuted,
    });
  }
}
