export * from "./multivalued-agreement.js";
