export * from "./reliable-broadcast.js";
