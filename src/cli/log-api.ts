/**
 * The transparency log over HTTP: the files of C2SP tlog-tiles below /tlog/, which any web server could serve as well, and this party's own
 * word for other replicas.
 *
 *     GET /tlog/checkpoint, /tlog/tile/…     files
 *     GET /tlog/cosigned?size=N              the checkpoint of the first N documents, cosigned by this party
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type HttpAnswer, type HttpApi, refusal } from "../adapters/http/index.js";
import type { LogPublisher } from "./log-publisher.js";

/** Of tiles, bundles of entries, and what is not full of them. */
const TILE = /^tile\/(?:[0-6]|entries)\/(?:x[0-9]{3}\/){0,5}[0-9]{3}(?:\.p\/[1-9][0-9]{0,2})?$/;
const NOTE_TYPE = "text/plain; charset=utf-8";

export interface LogApiOptions {
  readonly directory: string;
  readonly publisher: () => Pick<LogPublisher, "cosigned"> | undefined;
}

export function logApi({ directory, publisher }: LogApiOptions): HttpApi {
  return {
    prefix: "/tlog/",
    maxBodyBytes: 0,
    async handle({ method, path, query }) {
      if (method !== "GET" && method !== "HEAD") return { ...refusal(405, "only GET"), allow: "GET, HEAD" };
      const name = path.slice("/tlog/".length);
      if (name === "cosigned") return cosigned(publisher(), query.get("size") ?? "");
      if (name !== "checkpoint" && !TILE.test(name)) return refusal(404, "no file of a log has this name");
      const bytes = await readFile(join(directory, name)).catch((error: unknown) => {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
      });
      if (bytes === undefined) return refusal(404, "the log has no such file, or not yet");
      return name === "checkpoint"
        ? { status: 200, contentType: NOTE_TYPE, body: bytes, headers: { "Cache-Control": "no-cache" } }
        : { status: 200, contentType: "application/octet-stream", body: bytes, headers: IMMUTABLE };
    },
  };
}

const IMMUTABLE = { "Cache-Control": "max-age=31536000, immutable" };

function cosigned(publisher: Pick<LogPublisher, "cosigned"> | undefined, size: string): HttpAnswer {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size)) return refusal(400, "size must be a whole number");
  const note = publisher?.cosigned(Number(size));
  if (note === undefined) return refusal(404, "this party has no log of this size after a round, or no more");
  return { status: 200, contentType: NOTE_TYPE, body: note, headers: { "Cache-Control": "no-store" } };
}
