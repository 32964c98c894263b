/** Sessions as docs/sessions.md tells them, as plainly as can be: no matter what it costs. */
interface Taken {
  readonly session: string;
  readonly number: number;
  readonly replyBytes: number | undefined;
  hasReply: boolean;
}

export class ReferenceClient {
  /** What was executed of sessions that are not evicted, and is not acknowledged; in order of execution. */
  taken: Taken[] = [];
  readonly acknowledged = new Map<string, number>();
  /** As a rule of its own here; that the least session there is says the same, the code relies on. */
  floor = "";

  standing(session: string, number: number): string {
    const acknowledged = this.acknowledged.get(session);
    if (acknowledged === undefined) {
      const isFull = this.acknowledged.size === 64;
      return session <= this.floor || (isFull && session < this.#least()) ? "evicted" : "open";
    }
    if (number <= acknowledged) return "closed";
    return this.taken.some((one) => one.session === session && one.number === number) ? "done" : "open";
  }

  take(session: string, number: number, acknowledged: number, replyBytes: number | undefined): void {
    if (!this.acknowledged.has(session) && this.acknowledged.size === 64) {
      this.floor = this.#least();
      this.acknowledged.delete(this.floor);
    }
    this.acknowledged.set(session, Math.max(acknowledged, this.acknowledged.get(session) ?? 0));
    this.taken.push({ session, number, replyBytes, hasReply: replyBytes !== undefined });
    this.taken = this.taken.filter((one) => one.number > (this.acknowledged.get(one.session) ?? Infinity));
    const replies = this.taken.filter(({ hasReply }) => hasReply);
    let sum = replies.reduce((bytes, one) => bytes + (one.replyBytes ?? 0), 0);
    for (const oldest of replies) {
      if (sum <= 256 * 1024) break;
      oldest.hasReply = false;
      sum -= oldest.replyBytes ?? 0;
    }
  }

  hasReply(session: string, number: number): boolean {
    return this.taken.some((one) => one.session === session && one.number === number && one.hasReply);
  }

  #least(): string {
    return [...this.acknowledged.keys()].sort()[0] ?? "";
  }
}
