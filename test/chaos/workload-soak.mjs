/** Clients that add to the counter and write to some thousand keys, in many sessions, each with many calls under way. Keeps only counts. */
import { openClient, openCounter } from "../../dist/cli/cluster-client.js";

const KEYS = 5000;
const TIMEOUT_MS = 120_000;
const VALUE = "v".repeat(100);

export class SoakWorkload {
  count = 0;
  #adds = 0;
  #clients;
  #width;
  #limit;

  /** `sessions` for each client, `width` calls at a time in each. */
  static async create({ clientFiles, sessions, width, limit }) {
    const workload = new SoakWorkload();
    const files = clientFiles.flatMap((file) => Array.from({ length: sessions }, () => file));
    workload.#clients = await Promise.all(files.map(async (file) => (await openClient(file)).client));
    workload.#width = width;
    workload.#limit = limit;
    return workload;
  }

  /** Until there are as many as asked for. @throws Error when the counter was not added to exactly once for each */
  async run() {
    const lanes = this.#clients.flatMap((client) => Array.from({ length: this.#width }, () => this.#work(client)));
    await Promise.all(lanes);
    const { total } = await openCounter(this.#clients[0]).read({ consistency: "ordered", timeoutMs: TIMEOUT_MS });
    for (const client of this.#clients) client.close();
    if (total !== this.#adds)
      throw new Error(`the counter is ${total} after ${this.#adds} acknowledged additions of 1`);
  }

  async #work(client) {
    const counter = openCounter(client);
    for (let turn = this.#begin(); turn !== undefined; turn = this.#begin()) {
      if (turn % 2 === 0) {
        await counter.add(1, { timeoutMs: TIMEOUT_MS });
        this.#adds++;
      } else await client.kv.put(`key-${(turn * 7919) % KEYS}`, `${turn} ${VALUE}`, { timeoutMs: TIMEOUT_MS });
      this.count++;
    }
  }

  #begun = 0;

  #begin() {
    return this.#begun < this.#limit ? this.#begun++ : undefined;
  }
}
