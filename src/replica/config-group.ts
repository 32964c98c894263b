/** The group that a cluster's public file describes. */
import { type Group, structureGroup } from "../core/group.js";
import type { ClusterPublic } from "./config.js";

/** @throws GroupError when its adversary structure is wrong, too large, or cannot be tolerated: never of a file that was checked */
export function groupOf({ n, adversary }: Pick<ClusterPublic, "n" | "adversary">): Group {
  return structureGroup({ n, ...adversary });
}
