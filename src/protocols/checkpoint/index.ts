export { CHECKPOINT, checkpoint, checkpointMessageCodec, checkpointStatement } from "./checkpoint.js";
