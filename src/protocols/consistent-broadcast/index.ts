export * from "./closing.js";
export * from "./consistent-broadcast.js";
