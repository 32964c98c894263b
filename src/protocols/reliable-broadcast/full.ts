/** Every party gets the whole message; the root is its digest (Bracha 1984). */
import type { Group } from "../../core/group.js";
import type { Suite } from "../../core/suite.js";
import { type Dissemination, pieceCodec } from "./dissemination.js";

export function fullPieceCodec(maxBytes: number): ReturnType<typeof pieceCodec> {
  return pieceCodec(maxBytes, 0);
}

export function fullDissemination(group: Group, suite: Suite): Dissemination {
  return {
    needed: 1,
    split: (message) => group.parties.map(() => ({ bytes: message, path: [] })),
    rootOf: (_party, piece) => suite.hash(piece.bytes),
    join: (_root, pieces) => pieces.values().next().value,
  };
}
