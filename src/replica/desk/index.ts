/** Where a replica serves clients. */
export { type ArchivedDocument, type ChunkProof, Desk, type DeskOptions, type ShareMaker } from "./desk.js";
