/** The order of the test files. Those that start processes take longest: begun last, one would run alone at the end. */
import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Before all others. Within a folder the order is vitest's: long files, as it remembers them, or else large ones first. */
const LONG = ["test/e2e/", "test/docs/", "test/cli/", "test/package/", "test/bench/", "test/web/"];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const path = relative(this.ctx.config.root, moduleId);
      const folder = LONG.findIndex((prefix) => path.startsWith(prefix));
      return folder === -1 ? LONG.length : folder;
    };
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
