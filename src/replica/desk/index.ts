/** Where a replica serves clients. */
export { Desk } from "./desk.js";
export type { ArchivedDocument, ChunkProof, DeskOptions, ShareMaker } from "./options.js";
