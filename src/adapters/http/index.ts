/** HTTP, for those who monitor a replica, and for programs that read and write over it. */
export { clientOf } from "./address.js";
export {
  type AnyHttpApi,
  collect,
  type HttpAnswer,
  type HttpApi,
  type HttpHead,
  type HttpRequest,
  type HttpSink,
  type HttpStream,
  type HttpTask,
  isTask,
  jsonAnswer,
  refusal,
  type StagedApi,
} from "./exchange.js";
export { monitoringRoutes } from "./monitoring.js";
export { ProcessMetrics } from "./process-metrics.js";
export { type HttpRoutes, listenHttp } from "./server.js";
