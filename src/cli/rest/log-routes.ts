/** The transparency log over REST: proofs, and the checkpoint that parties have cosigned. */
import { jsonRoute, ProblemError, type Route, textRoute, wholeParameter } from "../../adapters/rest/index.js";
import { toBase64 } from "../../core/base64.js";
import { consistencySchema, inclusionSchema } from "../../rest/schemas.js";
import { leafHash } from "../../tlog/index.js";
import { proveConsistency, proveInclusion, type TileSource } from "../log-proofs.js";
import { statementOf } from "../notary-documents.js";
import { sha256 } from "../sha256.js";
import { indexOf, type NotaryRoutesOptions, oneOf } from "./notary-routes.js";

const NOTE_TYPE = "text/plain; charset=utf-8";

export interface LogRoutesOptions extends Pick<NotaryRoutesOptions, "archive"> {
  readonly cluster: Uint8Array;
  /** Undefined when this replica has no log. */
  readonly log: () => TileSource | undefined;
  /** The signed note of the last checkpoint; undefined before the first. */
  readonly checkpoint: () => Promise<Uint8Array | undefined>;
}

const size = wholeParameter(1, Number.MAX_SAFE_INTEGER);
const NO_LOG = { "no-log": "this replica has no transparency log" } as const;
const TOO_LARGE = { "no-such-size": "the log has not so many documents, as far as this replica knows" } as const;

export function logRoutes(options: LogRoutesOptions): Route[] {
  return [
    jsonRoute({
      method: "GET",
      path: "/v1/proofs/inclusion",
      operationId: "proveInclusion",
      summary: "that the document with this number is in the log of so many documents",
      problems: {
        ...NO_LOG,
        ...TOO_LARGE,
        "no-such-entry": "no document has this number",
        "several-documents": "say which by index",
      },
      cost: 2,
      query: {
        number: wholeParameter(1, Number.MAX_SAFE_INTEGER),
        index: wholeParameter(0, 0xffff_ffff).optional().describe("which of the documents with this number"),
        size: size.optional().describe("documents in the log; left out: as many as it has"),
      },
      answer: { name: "InclusionProof", schema: inclusionSchema },
      async run({ query }) {
        const log = logOf(options);
        const document = oneOf(indexOf(options), query.number, query.index);
        const { logIndex, number: sequence, round, timeMs } = document;
        const count = query.size ?? log.size;
        mustHave(log, count);
        if (logIndex >= count) throw tooLarge(`document ${logIndex} is not in a log of ${count}`);
        const { root, proof } = await proveInclusion(log, logIndex, count);
        const leaf = leafHash(sha256, statementOf(options.cluster, { sequence, round, timeMs }, document));
        const hashes = { root: toBase64(root), leaf: toBase64(leaf), proof: proof.map(toBase64) };
        return { sequenceNumber: sequence, logIndex, size: count, ...hashes };
      },
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/proofs/consistency",
      operationId: "proveConsistency",
      summary: "that the log of `from` documents is the beginning of that of `to`",
      problems: { ...NO_LOG, ...TOO_LARGE },
      cost: 2,
      query: { from: size, to: size },
      answer: { name: "ConsistencyProof", schema: consistencySchema },
      async run({ query: { from, to } }) {
        const log = logOf(options);
        mustHave(log, to);
        if (from > to) throw tooLarge(`a log of ${from} is not the beginning of one of ${to}`);
        const { root, proof } = await proveConsistency(log, from, to);
        return { from, to, root: toBase64(root), proof: proof.map(toBase64) };
      },
    }),
    textRoute({
      method: "GET",
      path: "/v1/checkpoint",
      operationId: "logCheckpoint",
      summary: "the log's last checkpoint, a signed note with the parties' cosignatures",
      problems: { ...NO_LOG, "no-checkpoint": "there is none yet" },
      contentType: NOTE_TYPE,
      async run() {
        logOf(options);
        const note = await options.checkpoint();
        if (note === undefined)
          throw new ProblemError({ status: 404, code: "no-checkpoint", detail: "there is none yet" });
        return new TextDecoder().decode(note);
      },
    }),
  ];
}

function logOf({ log }: LogRoutesOptions): TileSource {
  const found = log();
  if (found === undefined) throw new ProblemError({ status: 404, code: "no-log", detail: NO_LOG["no-log"] });
  return found;
}

function mustHave(log: TileSource, count: number): void {
  if (count > log.size) throw tooLarge(`the log has ${log.size} documents here`);
}

function tooLarge(detail: string): ProblemError {
  return new ProblemError({ status: 404, code: "no-such-size", detail });
}
