/**
 * A party that agrees with others on values of its caller's, in any number of instances.
 *
 * Nothing is kept on disk. A process that starts again does not know what it has said: it counts as crashed, and must not take part
 * under a tag that it has used before, or it may contradict itself, as only a corrupted party does.
 */
import { statement } from "../core/engine.js";
import type { Envelope } from "../core/envelope.js";
import type { Group } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import type { Suite } from "../core/suite.js";
import { type Tag, isTag } from "../core/tag.js";
import { type Accusation, Accusations } from "./accusations.js";
import type { Agreement } from "./agreement.js";
import { EarlyMessages } from "./early-messages.js";
import { ClosedError, SuiteError, TagError } from "./errors.js";
import type { Links } from "./links.js";
import { Run } from "./run.js";

const DEFAULT_EARLY_BYTES = 16 * 1024 * 1024;
const CLUSTER_BYTES = 32;
/** Leaves 32 bytes below it for the parts of the protocols, such as `proposal/255`: a whole tag has 160. */
const MAX_INSTANCE_TAG_BYTES = 128;

export interface PartyOptions {
  readonly self: PartyId;
  readonly group: Group;
  /** With this party's keys: `createSuite` of `abcast/crypto`. */
  readonly suite: Suite;
  /** 32 bytes that no other group with these keys has: part of everything that is signed. */
  readonly cluster: Uint8Array;
  /** This party's; they are closed with it. */
  readonly links: Links;
  /** What is kept of each peer for instances that have not started here. Default 16 MiB. */
  readonly maxEarlyBytes?: number;
  /** What the caller's functions throw, and failures after a decision. `console.error` unless given. */
  readonly onError?: (error: unknown, tag: Tag) => void;
}

export interface InstanceOptions {
  /** Leaves the instance, if it has not decided; the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * @throws RangeError when `cluster` is not 32 bytes, or `self` is no party of the group; SuiteError when the suite's keys are
 * another party's; LinksError when the links were opened before
 */
export function createParty(options: PartyOptions): Party {
  return new Party(options);
}

/** Of any types. */
interface Live {
  receive(from: PartyId, envelope: Envelope): void;
  close(): void;
}

export class Party {
  readonly #options: PartyOptions;
  readonly #live = new Map<Tag, Live>();
  /** All tags that were ever used, and all above one of these. */
  readonly #used = new Set<Tag>();
  readonly #above = new Set<Tag>();
  readonly #early: EarlyMessages;
  readonly #accusations = new Accusations();
  #isClosed = false;

  constructor(options: PartyOptions) {
    const { self, group, cluster, links, maxEarlyBytes = DEFAULT_EARLY_BYTES } = options;
    if (!(cluster instanceof Uint8Array)) throw new RangeError(`cluster is no Uint8Array: ${typeof cluster}`);
    if (cluster.length !== CLUSTER_BYTES)
      throw new RangeError(`cluster has ${cluster.length} bytes, ${CLUSTER_BYTES} are needed`);
    if (!group.parties.includes(self)) throw new RangeError(`${self} is no party of 0..${group.n - 1}`);
    // The caller's bytes may change later.
    this.#options = { ...options, cluster: new Uint8Array(cluster) };
    checkSuite(this.#options);
    this.#early = new EarlyMessages(maxEarlyBytes);
    links.open({
      onMessage: (from, envelope) => this.#receive(from, envelope),
      onFault: (party, fault) => this.#accusations.add(party, fault),
    });
  }

  /** What peers did that no honest party does, by party and fault. */
  get accusations(): readonly Accusation[] {
    return this.#accusations.list();
  }

  /** Bytes that are kept of `party` for instances that have not started here. */
  earlyBytes(party: PartyId): number {
    return this.#early.heldBytes(party);
  }

  /**
   * Starts the instance `tag`, which all parties must start with the same agreement, and proposes `input`. When it has decided it goes
   * on answering the others until `leave` or `close`.
   *
   * `tag` is a path: names of a-z, 0-9 and "-", and numbers, with "/" between them, of at most 128 bytes. It is used once, and none
   * above or below it is. `input` is copied.
   * @throws TagError, ProposalError, ClosedError, or the reason of `signal`; InvariantError when this party itself is broken
   */
  run<Input, Message, Decision>(
    tag: Tag,
    agreement: Agreement<Input, Message, Decision>,
    input: Input,
    { signal }: InstanceOptions = {},
  ): Promise<Decision> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw new ClosedError("the party is closed");
      signal?.throwIfAborted();
      this.#checkTag(tag);
      const own = agreement.admit(input);
      const abort = (): void => {
        const reason: unknown = signal?.reason;
        reject(reason instanceof Error ? reason : new ClosedError(`${tag} was aborted`, { cause: reason }));
        this.leave(tag);
      };
      const ignoreSignal = (): void => signal?.removeEventListener("abort", abort);
      signal?.addEventListener("abort", abort, { once: true });
      const run = new Run({
        ...this.#options,
        tag,
        agreement,
        input: own,
        onDecision: (decision) => {
          ignoreSignal();
          resolve(decision);
        },
        onFailure: reject,
        onAccusation: (party, fault, below) => this.#accusations.add(party, fault, below),
        onError: (error) => this.#report(error, tag),
      });
      this.#start(tag, run, () => {
        ignoreSignal();
        reject(new ClosedError(`${tag} was closed before it decided`));
      });
    });
  }

  #start<Input, Message, Decision>(tag: Tag, run: Run<Input, Message, Decision>, onClose: () => void): void {
    this.#used.add(tag);
    for (const above of pathsTo(tag)) if (above !== tag) this.#above.add(above);
    this.#live.set(tag, {
      receive: (from, envelope) => run.receive(from, envelope),
      close: () => {
        run.end();
        onClose();
      },
    });
    run.start();
    for (const { from, envelope } of this.#early.take(tag)) run.receive(from, envelope);
    for (const party of this.#early.forgetIncomplete()) this.#options.links.askRepeat(party);
  }

  /** Two instances of which one is below the other would have messages, and signatures, in common. */
  #checkTag(tag: Tag): void {
    if (tag.length > MAX_INSTANCE_TAG_BYTES)
      throw new TagError(
        `the tag has ${tag.length} bytes, ${MAX_INSTANCE_TAG_BYTES} are the most: ${JSON.stringify(tag)}`,
      );
    if (!isTag(tag))
      throw new TagError(
        `${JSON.stringify(tag)} is no path of names (a-z, 0-9, "-") and numbers with "/" between them`,
      );
    if (this.#used.has(tag)) throw new TagError(`${tag} was used before`);
    const other = this.#above.has(tag)
      ? "above"
      : pathsTo(tag).some((path) => this.#used.has(path))
        ? "below"
        : undefined;
    if (other !== undefined) throw new TagError(`${tag} is ${other} a tag that was used before`);
  }

  #receive(from: PartyId, envelope: Envelope): void {
    const tag = pathsTo(envelope.tag).find((path) => this.#used.has(path));
    if (tag === undefined) this.#early.keep(from, envelope);
    else this.#live.get(tag)?.receive(from, envelope);
  }

  /** Ends the instance; others who still need this party there lose it. */
  leave(tag: Tag): void {
    const live = this.#live.get(tag);
    if (live === undefined) return;
    this.#live.delete(tag);
    live.close();
    this.#options.links.retire(tag);
  }

  /** Ends all instances, and the links. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const tag of this.#live.keys()) this.leave(tag);
    await this.#options.links.close();
  }

  /** In a turn of its own: what the caller's function throws is not for us to catch. */
  #report(error: unknown, tag: Tag): void {
    const { onError = (reported, of) => console.error(`abcast: ${of}:`, reported) } = this.#options;
    queueMicrotask(() => onError(error, tag));
  }
}

/** What is signed here stays here, and is for a purpose that no protocol has. */
function checkSuite({ self, suite, cluster }: PartyOptions): void {
  const probe = statement(cluster, "party", "own suite", new Uint8Array(0));
  if (!suite.verify(self, probe, suite.sign(probe)))
    throw new SuiteError(`the suite does not sign as party ${self}: it has other keys`);
}

/** `a`, `a/b` and `a/b/c` for `a/b/c`. */
function pathsTo(tag: Tag): readonly Tag[] {
  const paths: Tag[] = [];
  for (let end = tag.indexOf("/"); end >= 0; end = tag.indexOf("/", end + 1)) paths.push(tag.slice(0, end));
  return [...paths, tag];
}
