export interface Point {
  readonly x: number;
  readonly y: number;
}

export function slopeOf(points: readonly Point[]): { readonly slope: number; readonly mean: number };
export function growthPercent(points: readonly Point[], per: number): number;
export function growthErrorPercent(points: readonly Point[], per: number): number | undefined;
