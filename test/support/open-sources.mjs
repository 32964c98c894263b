/**
 * A copy of the protocols and the simulator as JavaScript, in which reflection sees private fields: `#x` is called `_x`. Nothing else
 * differs, unless a mutant is asked for. The explorer needs it (src/sim/explore/snapshot.ts).
 */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";
import { LANE_MUTANTS } from "../mutants/lanes.mjs";
import { MUTANTS } from "../mutants/mutants.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** All that the explorer reaches. */
const FOLDERS = [
  "core",
  ...["consistent-broadcast", "binary-agreement", "multivalued-agreement", "atomic-broadcast"].map(
    (name) => `protocols/${name}`,
  ),
  "sim",
];

/**
 * Makes the copy and loads `src/${entry}` of it; the copy is gone afterwards, since what was loaded stays.
 * @param {string} entry such as "sim/explore/index.ts"
 * @param {string | undefined} mutantName of one in test/mutants/mutants.mjs or lanes.mjs, to have it in the copy
 */
export async function loadOpened(entry, mutantName) {
  const mutant = [...MUTANTS, ...LANE_MUTANTS].find(({ name }) => name === mutantName);
  if (mutantName !== undefined && mutant === undefined) throw new Error(`no mutant is called ${mutantName}`);
  mkdirSync(join(ROOT, "build"), { recursive: true });
  const copy = mkdtempSync(join(ROOT, "build", "open-"));
  try {
    for (const folder of FOLDERS) {
      for (const name of readdirSync(join(ROOT, "src", folder), { recursive: true, encoding: "utf8" })) {
        if (name.endsWith(".ts")) open(copy, `${folder}/${name}`, mutant);
      }
    }
    return await import(pathToFileURL(join(copy, entry.replace(/\.ts$/, ".js"))).href);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function open(copy, path, mutant) {
  let source = readFileSync(join(ROOT, "src", path), "utf8");
  if (mutant?.file === `src/${path}`) source = mutated(source, mutant);
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, removeComments: true },
  });
  const target = join(copy, path.replace(/\.ts$/, ".js"));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, outputText.replace(/#(?=[A-Za-z])/g, "_"));
}

/**
 * With any space where `search` has some.
 * @throws Error unless it is in the source once
 */
function mutated(source, { file, search, replacement }) {
  const pattern = search
    .trim()
    .split(/\s+/)
    .map((word) => word.replace(/[$()*+.?[\\\]^{|}/]/g, "\\$&"))
    .join("\\s+");
  const pieces = source.split(new RegExp(pattern));
  if (pieces.length !== 2) throw new Error(`${file}: ${pieces.length - 1} places where one is expected: ${search}`);
  return pieces.join(replacement);
}
