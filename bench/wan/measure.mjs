/** A cluster whose replicas and clients are spread over a continent: latency of a payload alone, and at half of what goes through. */
import { measure } from "../../dist/cli/bench/run.js";
import { PLACES, medianOneWayMs } from "./places.mjs";
import { placeOf, putLinks } from "./links.mjs";

/** Up to so much of a delay more, evenly; and which share of segments is lost. */
export const JITTER = 0.1;
export const LOSS = 0.0001;
/** Payloads a second: each is alone. */
const ALONE_RATE = 2;

/** @param {{ seconds: number, warmUpSeconds: number, dissemination: string, onPhase: (phase: object) => void, signal: AbortSignal }} options */
export async function measureWan({ seconds, warmUpSeconds, dissemination, onPhase, signal }) {
  const n = PLACES.length;
  const run = async (rate) => {
    let close = () => {};
    try {
      return await measure(
        {
          n,
          service: "log",
          payload: 256,
          rate,
          clients: n,
          seconds,
          warmUpSeconds,
          durability: "sync",
          dissemination,
          certificates: "multisig",
          crash: 0,
          byzantine: null,
        },
        {
          onPhase,
          signal,
          homes: Array.from({ length: n }, (_, client) => placeOf(client)),
          prepare: async (cluster) => {
            close = await putLinks(cluster, { jitter: JITTER, loss: LOSS });
          },
        },
      );
    } finally {
      close();
    }
  };
  const median = medianOneWayMs();
  const multiple = ({ latencyMs: { p50 } }) => Number((p50 / median).toFixed(1));
  const alone = await run(ALONE_RATE);
  const saturated = await run(null);
  const half = await run(Math.max(1, Math.round(saturated.payloadsPerSecond / 2)));
  const summary = (report) => ({
    payloadsPerSecond: report.payloadsPerSecond,
    latencyMs: report.latencyMs,
    multiple: multiple(report),
  });
  return {
    medianOneWayMs: median,
    alone: summary(alone),
    half: summary(half),
    saturated: { payloadsPerSecond: saturated.payloadsPerSecond },
    logDigestsEqual: [alone, saturated, half].every(({ logDigestsEqual }) => logDigestsEqual),
    settings: { n, places: PLACES, jitter: JITTER, loss: LOSS, seconds, dissemination },
  };
}
