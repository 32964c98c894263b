/** One operation of a client on a key. Absent values are null. docs/chaos.md describes the form in which they are written. */
export interface Operation {
  readonly process: number | string;
  readonly op: "get" | "put" | "delete" | "cas";
  readonly key: string;
  /** What put and cas write. */
  readonly value?: string | null;
  /** What cas expects. */
  readonly expected?: string | null;
  readonly result?: OperationResult;
  readonly startNs: number;
  /** Null: whether it happened is unknown. */
  readonly endNs: number | null;
}

export interface OperationResult {
  /** What get found, or a cas that failed. */
  readonly value?: string | null;
  /** Whether a cas found what it expected. */
  readonly ok?: boolean;
  /** Whether delete found something. */
  readonly existed?: boolean;
  /** A number of the write that only grows. */
  readonly version?: number;
}

export interface Violation {
  readonly key: string;
  readonly operations: number;
  /** How many of them the longest attempt could explain. */
  readonly explained: number;
  /** What the key then held, and the operations of which none could come next. */
  readonly state: string | null;
  readonly unexplained: readonly Operation[];
}

export class SearchLimitError extends Error {}

export function findViolations(
  history: readonly Operation[],
  options?: { readonly maxConfigurations?: number },
): readonly Violation[];

export function parseHistory(text: string): Operation[];
