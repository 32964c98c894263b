/** Whether a series of measurements is flat. */

const PARTS = 10;

/** The least-squares slope of `points`, { x, y }. */
export function slopeOf(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(({ x }) => x)), mean(points.map(({ y }) => y))];
  const covariance = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  const variance = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  if (variance === 0) throw new Error("a slope needs two places");
  return { slope: covariance / variance, mean: meanY };
}

/** Over the second half of the way from 0 to the last x: the slope per `per` of x, in percent of the mean. */
export function growthPercent(points, per) {
  const { slope, mean } = slopeOf(secondHalf(points));
  return (100 * slope * per) / mean;
}

/**
 * The standard error of that. One measurement is much like the one before, so that it is found from the means of ten parts
 * of the half (the method of batch means). Undefined where a part has no point.
 */
export function growthErrorPercent(points, per) {
  const means = partMeans(secondHalf(points));
  if (means === undefined) return undefined;
  const { slope, mean } = slopeOf(means);
  const meanX = means.reduce((sum, { x }) => sum + x, 0) / PARTS;
  const residual = means.reduce((sum, { x, y }) => sum + (y - mean - slope * (x - meanX)) ** 2, 0);
  const spread = means.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  return (100 * Math.sqrt(residual / (PARTS - 2) / spread) * per) / mean;
}

function secondHalf(points) {
  const end = points.at(-1)?.x ?? 0;
  return points.filter(({ x }) => x >= end / 2);
}

function partMeans(points) {
  const [start, end] = [points.at(0)?.x ?? 0, points.at(-1)?.x ?? 0];
  const partOf = (x) => Math.min(PARTS - 1, Math.floor((PARTS * (x - start)) / (end - start)));
  const parts = Array.from({ length: PARTS }, (_, part) => points.filter(({ x }) => partOf(x) === part));
  if (parts.some(({ length }) => length === 0)) return undefined;
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return parts.map((part) => ({ x: mean(part.map(({ x }) => x)), y: mean(part.map(({ y }) => y)) }));
}
