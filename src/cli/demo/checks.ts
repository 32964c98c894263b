/** The demo's promises: each is stated, checked, and counts towards the exit code. */

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly details?: string;
}

export class Checks {
  readonly #say: (line: string) => void;
  readonly list: Check[] = [];

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  get ok(): boolean {
    return this.list.length > 0 && this.list.every((check) => check.ok);
  }

  check(name: string, ok: boolean, details?: string): void {
    this.list.push({ name, ok, ...(details === undefined ? {} : { details }) });
    this.#say(`  ${ok ? "✓" : "✗"} ${name}${details === undefined ? "" : ` (${details})`}`);
  }
}
