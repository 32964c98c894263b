/**
 * Four places of one continent, and how far they are from each other: round trips in milliseconds between the regions of IBM Cloud
 * in North America, averages of 8 November to 7 December 2025, as the operator publishes them
 * (https://cloud.ibm.com/docs/vpc?topic=vpc-network-latency-dashboard; the table is in the repository ibm-cloud-docs/vpc,
 * _include-segments/network-latency.md). A direction takes half of it.
 */
export const PLACES = ["Dallas", "Toronto", "Washington DC", "Montreal"];

const ROUND_TRIPS_MS = [
  [0, 33, 31, 42],
  [33, 0, 19, 11],
  [31, 19, 0, 16],
  [42, 11, 16, 0],
];

export const oneWayMs = (from, to) => ROUND_TRIPS_MS[from][to] / 2;

/** Of all pairs. */
export function medianOneWayMs() {
  const all = PLACES.flatMap((_, from) =>
    PLACES.slice(from + 1).map((_place, index) => oneWayMs(from, from + 1 + index)),
  );
  const sorted = all.sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
}
