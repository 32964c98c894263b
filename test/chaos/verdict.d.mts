export interface LogEntry {
  readonly sequence: number;
  readonly id: string | undefined;
  readonly bytes: string;
}

export interface Verdict {
  readonly lost: number;
  readonly duplicated: number;
  readonly unchecked: number;
  readonly violations: readonly string[];
}

export function judge(
  acknowledged: readonly { readonly id: string; readonly sequence: number }[],
  logs: ReadonlyMap<number, readonly LogEntry[]>,
  lostLogs?: ReadonlyMap<number, readonly LogEntry[]>,
): Verdict;
