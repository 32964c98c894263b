/** The store with one rule gone, each. */
const ROOM = "src/adapters/storage";
const TESTS = "test/adapters/storage";
const FILES = `${TESTS}/batch-files.test.ts`;
const BLOCKS = `${TESTS}/block-file.test.ts`;
const DAMAGE = `${TESTS}/damage.test.ts`;
const BATCH_DAMAGE = `${TESTS}/batch-damage.test.ts`;
const HASTE = `${TESTS}/haste.test.ts`;
const READERS = `${TESTS}/batch-readers.test.ts`;
const REFERENCES = `${TESTS}/batch-references.test.ts`;

const mutant = (name, file, test, search, replacement = "") => ({
  name: `storage: ${name}`,
  file: `${ROOM}/${file}`,
  search,
  replacement,
  stages: [[test]],
});

export const STORAGE_MUTANTS = [
  mutant(
    "batches forgotten while the ledger has their payloads",
    "pruning.ts",
    `${TESTS}/storage.test.ts`,
    "areFree ? [...keysUpTo(tables, lanes)] : []",
    "[...keysUpTo(tables, lanes)]",
  ),
  mutant(
    "a payload placed in a batch that does not have it",
    "batch-places.ts",
    `${TESTS}/batch-places.test.ts`,
    "if (offset < 0 || offset + payload.length > bytes.length) return undefined;",
  ),
  mutant(
    "what is read of a batch not compared with its size",
    "reader.ts",
    DAMAGE,
    "batch !== undefined && offset + sizeBytes <= batch.length",
    "batch !== undefined",
  ),
  mutant(
    "entries looked up in no batch by fsck",
    "check.ts",
    DAMAGE,
    "if (!isThere || place.offset + place.sizeBytes > batch.sizeBytes)",
    "if (batch === undefined)",
  ),
  mutant(
    "a commit that does not wait for its batches",
    "storage.ts",
    FILES,
    "await allOf(written, this.#append(",
    "await allOf(this.#append(",
  ),
  mutant(
    "a commit that does not wait for its record",
    "storage.ts",
    FILES,
    "await allOf(written, this.#append(withReferences(batch.inputs, placed), besideBytes));",
    "void this.#append(withReferences(batch.inputs, placed));\n      await written;",
  ),
  mutant(
    "an input that refers to a batch beside it",
    "batch-references.ts",
    REFERENCES,
    "byteOffset >= whole.byteOffset && ",
  ),
  mutant(
    "a torn batch taken for a whole one",
    "segment-scan.ts",
    BATCH_DAMAGE,
    'if (isLast && logged.some(({ batch }) => typeof reader.read(batch) === "string")) return tornFrom();',
  ),
  mutant(
    "a record cut though another segment follows",
    "segment-scan.ts",
    BATCH_DAMAGE,
    "const isLast = mayTear && read.end === sizeBytes;",
    "const isLast = read.end === sizeBytes;",
  ),
  mutant(
    "a record cut though others follow",
    "segment-scan.ts",
    BATCH_DAMAGE,
    "const isLast = mayTear && read.end === sizeBytes;",
    "const isLast = mayTear;",
  ),
  mutant(
    "batches asked for of inputs that are not replayed",
    "segment-scan.ts",
    BATCH_DAMAGE,
    "batch === undefined || input < from",
    "batch === undefined",
  ),
  mutant(
    "bytes of a batch not checked",
    "batch-reader.ts",
    BATCH_DAMAGE,
    'crc32(bytes) === crc ? bytes : this.#problem(batch, "where other bytes are")',
    "bytes",
  ),
  mutant(
    "digests of batches not checked by fsck",
    "check.ts",
    BATCH_DAMAGE,
    "return equalBytes(found, digest) ? undefined : `the batch",
    "return bytes.length > 0 ? undefined : `the batch",
  ),
  mutant(
    "batches begin in the middle of a block",
    "batch-files.ts",
    FILES,
    "for (const use of runs.map(({ file }) => this.#use(file))) use.sizeBytes = inBlocks(use.sizeBytes);",
    "",
  ),
  mutant("writes without the rest of their block", "block-file.ts", BLOCKS, "inBlocks(sizeBytes) - sizeBytes", "0"),
  mutant("no write is direct", "block-file.ts", BLOCKS, 'if (!("O_DIRECT" in constants))', "if (true)"),
  mutant("no file where direct writes are not possible", "block-file.ts", BLOCKS, 'code === "EINVAL"', 'code === ""'),
  mutant(
    "any failure of a direct write is overlooked",
    "block-file.ts",
    BLOCKS,
    'if ((error as NodeJS.ErrnoException).code === "EINVAL")',
    "if (true)",
  ),
  mutant(
    "memory for writes is used twice at once",
    "block-file.ts",
    BLOCKS,
    "stagings.pop() ?? newStaging()",
    "stagings[0] ?? newStaging()",
  ),
  mutant(
    "at once, only what the system takes at first is written",
    "block-file.ts",
    HASTE,
    "done += writevSync(fd, rest, position + done);",
    "done += sizeOfPieces(rest) + 0 * writevSync(fd, rest, position + done);",
  ),
  mutant(
    "at once, nothing is synced",
    "disk.ts",
    HASTE,
    "(atOnce ? fdatasyncSync(file.fd) : file.datasync())",
    "(atOnce ? undefined : file.datasync())",
  ),
  mutant("long records at once", "haste.ts", HASTE, "sizeBytes > MAX_SHORT_BYTES || "),
  mutant("at once beside who writes much", "haste.ts", HASTE, " || this.#averageBytes > MAX_AVERAGE_BYTES"),
  mutant(
    "at once beside batches",
    "storage.ts",
    HASTE,
    "withReferences(batch.inputs, placed), besideBytes",
    "withReferences(batch.inputs, placed), 0",
  ),
  mutant("at once on a slow disk", "haste.ts", HASTE, "this.#averageMs <= MAX_AVERAGE_MS", "true"),
  mutant("never again at once", "haste.ts", HASTE, "this.#averageMs *= 1 - FORGOTTEN;"),
  mutant("files removed while rows need them", "batch-files.ts", FILES, "rows === 0 && lastInput", "lastInput"),
  mutant("files removed while the log needs them", "batch-files.ts", FILES, " && lastInput <= startInput"),
  mutant("files never removed", "batch-files.ts", FILES, "for (const { file } of batches) this.#use(file).rows--;"),
  mutant(
    "files of rows that gave way before they were written stay",
    "write-behind.ts",
    FILES,
    'if (former?.kind === "filed") this.replaced.push(former);',
  ),
  mutant("a backup that does not hold files", "backup.ts", READERS, "  reader.hold();\n"),
  mutant(
    "a backup with a gap",
    "backup.ts",
    READERS,
    "if (last !== undefined && entry.sequence !== last + 1)",
    "if (last === -1)",
  ),
  mutant(
    "what was forgotten beside a reader taken for damage",
    "reader.ts",
    READERS,
    "    this.tables.refresh();\n    const present",
    "    const present",
  ),
];
