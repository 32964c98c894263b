export * from "./closing.js";
export * from "./consistent-broadcast.js";
export {
  type ConsistentBroadcastInput,
  type ConsistentBroadcastMessage,
  type Delivered,
  consistentBroadcastMessageCodec,
} from "./messages.js";
