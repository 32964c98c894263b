export const PARTY_FAULTS: readonly string[];
export const NEMESES: readonly string[];

export interface Step {
  readonly actions: readonly { readonly nemesis: string; readonly party: number; readonly draw: number }[];
  readonly durationMs: number;
  readonly gapMs: number;
}

export function schedule(options: {
  readonly seed: number;
  readonly minutes: number;
  readonly n: number;
  readonly t: number;
  readonly nemeses?: readonly string[];
}): Step[];
