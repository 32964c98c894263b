/** HTTP for those who monitor a replica. */
export { monitoringRoutes } from "./monitoring.js";
export { ProcessMetrics } from "./process-metrics.js";
export { listenHttp } from "./server.js";
