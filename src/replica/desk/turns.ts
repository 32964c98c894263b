/**
 * Work for clients that costs us more than asking costs them. It is done in turn among the clients, and between two pieces
 * everything else has its turn: who asks for much waits for much, and nobody else does.
 */

/** What may be done at once, in units of a cheap piece. */
const TURN_COST = 8;

export interface Job {
  /** Whose turn it takes. */
  readonly client: number;
  /** 1 for what takes some ten microseconds, up to TURN_COST for milliseconds. */
  readonly cost: number;
  /** Whether nobody waits for it any more. */
  isCancelled(): boolean;
  /** Calls `done` once, at once or later. */
  run(done: () => void): void;
}

export class Turns {
  /** Calls work when other events have had their turn. */
  readonly #later: (work: () => void) => void;
  /** By client, whose turn is next first; no list is empty. */
  readonly #jobs = new Map<number, Job[]>();
  #isWorking = false;
  #closed = false;

  constructor(later: (work: () => void) => void) {
    this.#later = later;
  }

  add(job: Job): void {
    // What the work needs may be closed by the time of its turn.
    if (this.#closed) return;
    const jobs = this.#jobs.get(job.client);
    if (jobs === undefined) this.#jobs.set(job.client, [job]);
    else jobs.push(job);
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#later(() => this.#work(TURN_COST));
  }

  #work(budget: number): void {
    const job = this.#next();
    if (job === undefined) {
      this.#isWorking = false;
      return;
    }
    const rest = budget - job.cost;
    let isDone = false;
    let isLate = false;
    job.run(() => {
      isDone = true;
      if (isLate) this.#later(() => this.#work(TURN_COST));
    });
    if (!isDone) isLate = true;
    else if (rest > 0) this.#work(rest);
    else this.#later(() => this.#work(TURN_COST));
  }

  /** Its client goes to the end of the line. */
  #next(): Job | undefined {
    for (const [client, jobs] of this.#jobs) {
      this.#jobs.delete(client);
      const live = jobs.findIndex((job) => !job.isCancelled());
      const job = jobs[live];
      if (job === undefined) continue;
      jobs.splice(0, live + 1);
      if (jobs.length > 0) this.#jobs.set(client, jobs);
      return job;
    }
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.#jobs.clear();
  }
}
