/** REST APIs: a table of routes, from which validation and an OpenAPI document are made, over the HTTP server of adapters/http. */
export { type ApiKey, apiKeyOf } from "./api-keys.js";
export { ANY_ORIGIN } from "./cors.js";
export { EventStreams, type Feed, type FeedEvent } from "./event-streams.js";
export { openApiOf } from "./openapi.js";
export { ProblemError, type ProblemDetails, problemSchema } from "./problem.js";
export { RateLimits } from "./rate-limits.js";
export {
  bytesRoute,
  eventRoute,
  jsonRoute,
  type Named,
  type Route,
  type RouteInput,
  textRoute,
  wholeParameter,
} from "./route.js";
export { restApi, type RestOptions } from "./router.js";
