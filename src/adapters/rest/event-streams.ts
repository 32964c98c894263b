/**
 * Server-sent events (HTML standard, section "Server-sent events"). A stream takes what its client has room for from where events are
 * kept, and goes on when there is room again: so nothing is buffered for a slow client. One that takes nothing at all is closed,
 * and goes on later from the last event that it got.
 */
import type { HttpSink, HttpStream } from "../http/index.js";
import { ProblemError } from "./problem.js";

const MAX_STREAMS = 64;
const MAX_STREAMS_PER_CLIENT = 8;
/** Of one stream, on their way: no further event is taken meanwhile. */
const MAX_WAITING_BYTES = 64 * 1024;
/** Events that are taken at a time. */
const EVENTS_AT_ONCE = 64;
/** From one comment to the next, which tells a dead connection from a silent one. A client that has taken nothing from one to the next is too slow. */
const HEARTBEAT_MS = 15_000;
/** Then the client comes again, and another one may have its place. */
const STREAM_LIFETIME_MS = 3_600_000;
/** What a client is told to wait before it comes again. */
const RETRY_MS = 2_000;

export interface FeedEvent {
  readonly event: string;
  /** Undefined: a client that is cut off here gets it again. */
  readonly id: string | undefined;
  /** To be JSON. */
  readonly data: object;
  /** Where to go on after it. */
  readonly next: number;
}

/** Where events are kept. */
export interface Feed {
  /** From a place on, at most so many; none when there is nothing yet. */
  events(from: number, limit: number): readonly FeedEvent[];
  /** Calls `listener` when there is more, until the result is called. */
  onMore(listener: () => void): () => void;
}

export interface EventStreamsOptions {
  readonly maxStreams?: number;
  readonly maxStreamsPerClient?: number;
  readonly heartbeatMs?: number;
  /** Of an error that a stream meets: it is closed. */
  readonly onError: (error: unknown) => void;
}

export class EventStreams {
  readonly #options: Required<EventStreamsOptions>;
  /** With whose each is. */
  readonly #streams = new Map<Stream, string>();
  readonly #heartbeat: NodeJS.Timeout;

  constructor(options: EventStreamsOptions) {
    this.#options = {
      maxStreams: MAX_STREAMS,
      maxStreamsPerClient: MAX_STREAMS_PER_CLIENT,
      heartbeatMs: HEARTBEAT_MS,
      ...options,
    };
    this.#heartbeat = setInterval(() => this.#beat(), this.#options.heartbeatMs).unref();
  }

  get size(): number {
    return this.#streams.size;
  }

  /** The events of a feed from a place on. @throws ProblemError when there are too many streams */
  stream(client: string, feed: Feed, from: number): HttpStream {
    this.#mustHaveRoom(client);
    return {
      status: 200,
      contentType: "text/event-stream",
      lifetimeMs: STREAM_LIFETIME_MS,
      open: (sink) => {
        // Others may have come meanwhile.
        if (!this.#hasRoom(client)) return sink.close();
        const stream = new Stream(sink, feed, from, this.#options.onError);
        this.#streams.set(stream, client);
        sink.onClose(() => {
          this.#streams.delete(stream);
          stream.end();
        });
        stream.start();
      },
    };
  }

  #hasRoom(client: string): boolean {
    const { maxStreams, maxStreamsPerClient } = this.#options;
    const own = [...this.#streams.values()].filter((other) => other === client).length;
    return this.#streams.size < maxStreams && own < maxStreamsPerClient;
  }

  #mustHaveRoom(client: string): void {
    if (this.#hasRoom(client)) return;
    const { maxStreams, maxStreamsPerClient } = this.#options;
    throw new ProblemError({
      status: 503,
      code: "too-many-streams",
      detail: `there are ${maxStreams} streams of events, or ${maxStreamsPerClient} of this client: close one`,
      retryAfterMs: this.#options.heartbeatMs,
    });
  }

  #beat(): void {
    for (const stream of this.#streams.keys()) stream.beat();
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const stream of this.#streams.keys()) stream.close();
  }
}

class Stream {
  readonly #sink: HttpSink;
  readonly #feed: Feed;
  readonly #onError: (error: unknown) => void;
  #next: number;
  #stop: () => void = () => undefined;
  /** Since the last heartbeat the client has taken all that waited, or nothing did. */
  #hasTaken = true;

  constructor(sink: HttpSink, feed: Feed, from: number, onError: (error: unknown) => void) {
    this.#sink = sink;
    this.#feed = feed;
    this.#next = from;
    this.#onError = onError;
  }

  start(): void {
    this.#sink.write(`retry: ${RETRY_MS}\n\n`);
    this.#sink.onDrain(() => {
      this.#hasTaken = true;
      this.#pump();
    });
    this.#stop = this.#feed.onMore(() => this.#pump());
    this.#pump();
  }

  #pump(): void {
    try {
      while (this.#sink.waitingBytes < MAX_WAITING_BYTES) {
        const events = this.#feed.events(this.#next, EVENTS_AT_ONCE);
        if (events.length === 0) return;
        for (const event of events) {
          this.#sink.write(textOf(event));
          this.#next = event.next;
        }
      }
    } catch (error) {
      this.#onError(error);
      this.close();
    }
  }

  beat(): void {
    const isWaiting = this.#sink.waitingBytes > 0;
    if (isWaiting && !this.#hasTaken) return this.close();
    this.#hasTaken = !isWaiting;
    if (!isWaiting) this.#sink.write(":\n\n");
  }

  close(): void {
    this.#sink.close();
  }

  end(): void {
    this.#stop();
  }
}

function textOf({ event, id, data }: FeedEvent): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
