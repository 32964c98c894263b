/** What the protocols cost as a function of n (docs/cost.md). */
export { fittedExponent } from "./fit.js";
export { AGREEMENT, COINS, type Job, type Row, SIZES, VALUE_BYTES, jobsOf, variantName } from "./rows.js";
export { type Growth, type Series, type Summary, type Target, seriesOf, summarize } from "./summary.js";
