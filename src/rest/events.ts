/** New entries as they come, from the REST API of a replica (docs/rest.md). Runs in a browser. */
import { ask, notUnderstood, parse, type RestOptions, type RestSource } from "./request.js";
import type { Entry } from "./schemas.js";

/** Of one event: a longer one is none. */
const MAX_EVENT_CHARACTERS = 64 * 1024;

export interface FollowOptions extends RestOptions {
  /** The first number; left out: from now on. */
  readonly from?: number;
}

/**
 * Entries until the stream ends, which it does after a while: then follow again from after the last number. They are this one replica's word.
 * @throws RestError; what `fetch` throws
 */
export async function* followEntries(
  source: RestSource,
  options: FollowOptions = {},
): AsyncGenerator<Entry, void, void> {
  const path = `/v1/events${options.from === undefined ? "" : `?from=${options.from}`}`;
  const answer = await ask(source, path, { headers: { Accept: "text/event-stream" } }, options);
  for await (const event of eventsOf(answer)) {
    const entry = event.name === "entry" ? parse(event.data) : undefined;
    if (entry === undefined) continue;
    if (!isEntry(entry)) throw notUnderstood("an event is no entry");
    yield entry;
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const numbers = ["sequenceNumber", "index", "round", "logIndex"].map((name) => fields.get(name));
  const time = fields.get("time");
  return (
    numbers.every((number) => Number.isSafeInteger(number)) &&
    (time === null || Number.isSafeInteger(time)) &&
    ["digest", "client"].every((name) => typeof fields.get(name) === "string")
  );
}

interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/** As the HTML standard has them, with line feeds only. */
async function* eventsOf(answer: Response): AsyncGenerator<ServerEvent, void, void> {
  const reader = answer.body?.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const chunk = await reader?.read();
      if (chunk === undefined || chunk.done) return;
      const blocks = (rest + decoder.decode(chunk.value, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      if (rest.length > MAX_EVENT_CHARACTERS) throw notUnderstood("an event is too long");
      for (const block of blocks) yield eventOf(block);
    }
  } finally {
    await reader?.cancel();
  }
}

function eventOf(block: string): ServerEvent {
  const lines = block.split("\n").map((line) => /^([^:]*):? ?(.*)$/.exec(line));
  const values = (name: string): string[] => lines.flatMap((line) => (line?.[1] === name ? [line[2] ?? ""] : []));
  return { name: values("event").at(-1) ?? "message", data: values("data").join("\n") };
}
