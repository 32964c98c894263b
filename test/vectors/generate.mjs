/**
 * Writes the test vectors: node test/vectors/generate.mjs [DIRECTORY], `docs/vectors` by default. They are made by what is built, with the randomness
 * of seeded.mjs, so they come out the same each time. What the schemes do not show on the way is computed here a second time,
 * and must lead to what they gave.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { coinVectors } from "./coin.mjs";
import { formatJson } from "./json.mjs";
import { formulaVectors, rowsAndColumnsVectors, thresholdVectors } from "./rsa.mjs";
import { sharingVectors } from "./sharing.mjs";
import { tdh2Vectors } from "./tdh2.mjs";

const directory = process.argv[2] ?? fileURLToPath(new URL("../../docs/vectors", import.meta.url));
mkdirSync(directory, { recursive: true });
const write = (name, vectors) => writeFileSync(join(directory, name), formatJson(vectors));
write("sharing.json", await sharingVectors());
write("coin.json", await coinVectors());
write("tdh2.json", await tdh2Vectors());
write("threshold-rsa.json", await thresholdVectors());
write("threshold-rsa-formulas.json", await formulaVectors());
write("threshold-rsa-4x4.json", await rowsAndColumnsVectors());
