/** How a cost grows with n. */

export interface Point {
  readonly n: number;
  readonly cost: number;
}

/**
 * The exponent e of cost ≈ a·n^e: the slope of the line through (ln n, ln cost) with the least sum of squares.
 * @throws RangeError unless there are two different n, and all figures are positive
 */
export function fittedExponent(points: readonly Point[]): number {
  if (points.some(({ n, cost }) => !(n > 0 && cost > 0))) throw new RangeError("a figure that has no logarithm");
  const logs = points.map(({ n, cost }) => ({ x: Math.log(n), y: Math.log(cost) }));
  const mean = (value: (log: { x: number; y: number }) => number): number =>
    logs.reduce((sum, log) => sum + value(log), 0) / logs.length;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const variance = mean(({ x }) => (x - meanX) ** 2);
  if (!(variance > 0)) throw new RangeError("no slope through fewer than two sizes");
  return mean(({ x, y }) => (x - meanX) * (y - meanY)) / variance;
}
