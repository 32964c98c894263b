/**
 * Clients of the key-value service, several operations at a time, on a few keys that all want and some of their own. What they see is
 * written down as a history; what becomes of calls that were not answered in time is asked for at the end.
 */
import { openClient } from "../../dist/cli/cluster-client.js";
import { Random } from "../../dist/sim/index.js";
import { decodePayload } from "../../dist/wire/payload.js";

const HOT_KEYS = 3;
const OWN_KEYS = 4;
const TIMEOUT_MS = 5000;
const OUTCOME_TIMEOUT_MS = 300_000;
/** Values are a name that nobody else has, and some bytes more: so many that batches with them are in files of their own. */
const MAX_PADDING = 12_000;
/** Errors after which nobody knows whether the call was, or will be, executed. */
const UNKNOWN = new Set(["ClusterUnreachableError", "BusyError", "SessionEvictedError", "ReplyLostError"]);

const now = () => Number(process.hrtime.bigint());
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const idOf = ({ client, session, number }) =>
  `${hex(client).slice(0, 16)}/${session.opened}-${hex(session.nonce)}/${number}`;
const nameOf = (value) => Buffer.from(value).toString("utf8").split(" ", 1)[0];

export class KvWorkload {
  /** { id, sequence } of each call that was answered. */
  acknowledged = [];
  history = [];
  violations = [];
  unknown = 0;
  #clients;
  #width;
  #seed;
  #running = [];
  #isOver = false;
  /** Calls without an answer: { client, handle }. */
  #open = [];

  static async create({ clientFiles, width, seed }) {
    const workload = new KvWorkload();
    // What a quorum has acknowledged, a later read by a quorum sees.
    const settings = { acknowledgements: "quorum" };
    workload.#clients = await Promise.all(
      clientFiles.map(async (file) => (await openClient(file, undefined, settings)).client),
    );
    workload.#width = width;
    workload.#seed = seed;
    return workload;
  }

  start() {
    this.#running = this.#clients.flatMap((client, index) =>
      Array.from({ length: this.#width }, (_, lane) => this.#work(client, index * this.#width + lane)),
    );
  }

  async #work(client, process) {
    const random = new Random(this.#seed * 1000 + process);
    const seen = new Map();
    try {
      for (let count = 0; !this.#isOver; count++)
        await this.#operate(client, process, random, `${process}.${count}`, seen);
    } catch (error) {
      this.violations.push(`client ${process}: ${error.stack}`);
    }
  }

  async #operate(client, process, random, name, seen) {
    const key = random.below(3) > 0 ? `hot-${random.below(HOT_KEYS)}` : `own-${process}-${random.below(OWN_KEYS)}`;
    const op = random.pick(["get", "get", "put", "cas", "cas", "cas", "delete"]);
    const value = `${name} ${"x".repeat(random.below(8) === 0 ? random.below(MAX_PADDING) : 8)}`;
    let handle;
    const options = { timeoutMs: TIMEOUT_MS, onHandle: (given) => void (handle = given) };
    const entry = { process, op, key };
    if (op === "put" || op === "cas") entry.value = name;
    // What was there when we last looked.
    const before = seen.get(key);
    if (op === "cas") entry.expected = before?.name ?? null;
    const expected = before === undefined ? { absent: true } : { version: before.version };
    try {
      entry.startNs = now();
      const consistency = random.pick(["ordered", "quorum"]);
      const answered = await (op === "get"
        ? client.kv.get(key, { ...options, consistency })
        : op === "put"
          ? client.kv.put(key, value, options)
          : op === "cas"
            ? client.kv.cas(key, expected, value, options)
            : client.kv.delete(key, options));
      entry.result = resultOf(op, answered);
      const present = presentAfter(op, name, answered);
      if (present === undefined) seen.delete(key);
      else seen.set(key, present);
      entry.endNs = now();
      this.history.push(entry);
      if (handle !== undefined) this.acknowledged.push({ id: idOf(handle), sequence: answered.sequence });
      if (answered.faulty.length > 0) this.violations.push(`parties ${answered.faulty.join()} gave a wrong answer`);
    } catch (error) {
      if (!UNKNOWN.has(error.name)) throw error;
      this.unknown++;
      const lost = { ...entry, endNs: null };
      this.history.push(lost);
      if (handle !== undefined) this.#open.push({ client, handle, entry: lost });
    }
  }

  /** After what was begun. The replicas must be up. */
  async stop() {
    this.#isOver = true;
    await Promise.all(this.#running);
    for (const { client, handle, entry } of this.#open) await this.#settle(client, handle, entry);
    for (const client of this.#clients) client.close();
  }

  /** Either it was executed, and must be in the logs, or it never happened. */
  async #settle(client, handle, entry) {
    let outcome;
    try {
      outcome = await client.outcome(handle, { timeoutMs: OUTCOME_TIMEOUT_MS });
    } catch (error) {
      // Forgotten is an answer, too; that nobody answers is not.
      if (error.name === "ClusterUnreachableError")
        this.violations.push(`no outcome of ${idOf(handle)}: ${error.message}`);
      return;
    }
    if (outcome.committed) this.acknowledged.push({ id: idOf(handle), sequence: outcome.sequence });
    else this.history.splice(this.history.indexOf(entry), 1);
  }

  /** What `acknowledged` calls the payload. A number that was taken in vain is nobody's call. */
  identify(payload) {
    const decoded = decodePayload(payload);
    if (!decoded.ok || decoded.value.kind !== "request") return undefined;
    return decoded.value.action.kind === "void" ? undefined : idOf(decoded.value);
  }
}

/** What the key holds then; undefined: nothing. */
function presentAfter(op, name, answered) {
  if (op === "delete") return undefined;
  const present = op === "get" ? (answered.found ? answered : undefined) : answered.ok ? undefined : answered.current;
  if (present !== undefined) return { name: nameOf(present.value), version: present.version };
  return op !== "get" && answered.ok ? { name, version: answered.version } : undefined;
}

function resultOf(op, answered) {
  if (op === "get")
    return answered.found ? { value: nameOf(answered.value), version: answered.version } : { value: null };
  if (op === "delete") return { existed: answered.found };
  if (answered.ok) return op === "put" ? { version: answered.version } : { ok: true, version: answered.version };
  return { ok: false, value: answered.current === undefined ? null : nameOf(answered.current.value) };
}
