/** What a session table knows of clients, in bytes: with outcomes for the machine, without for the admission. */
import { fromHex, toHex } from "../../core/bytes.js";
import {
  type Codec,
  type Value,
  atMost,
  bytes,
  decode,
  fixedBytes,
  list,
  optional,
  struct,
  u32,
  u64,
  u8,
  union,
} from "../../core/codec.js";
import { MAX_PARTIES } from "../../core/party-set.js";
import { MAX_REPLY_BYTES } from "../../services/service.js";
import { REJOIN_NONCE_BYTES, serviceNameCodec, sessionCodec } from "../../wire/payload.js";
import { sessionKey, sessionOfKey } from "./session-key.js";
import { type ClientRecord, MAX_SESSIONS, SESSION_WINDOW } from "./sessions.js";
import { SnapshotError } from "./snapshot-error.js";
import type { Outcome } from "./types.js";

/** Clients with sessions, in one piece of a snapshot; as many as a cluster has at most. */
export const MAX_SESSION_CLIENTS = 4096;

export const optionalTimeCodec = optional(u64);

const answered = struct({ service: serviceNameCodec, reply: optional(bytes(MAX_REPLY_BYTES)) });

const outcomeFields = struct({
  digest: fixedBytes(32),
  sequence: u64,
  round: u64,
  timeMs: optionalTimeCodec,
  call: union({
    call: answered,
    calls: answered,
    void: struct({}),
  }),
});

/** Copies what it reads: an outcome outlives the bytes that it came in. */
export const outcomeCodec: Codec<Outcome> = {
  write(writer, { reply, action, service, ...fields }) {
    const call = action === "void" ? { kind: action } : { kind: action, service, reply };
    outcomeFields.write(writer, { ...fields, call });
  },
  read(reader) {
    const { digest, call, ...fields } = outcomeFields.read(reader);
    return {
      ...fields,
      digest: digest.slice(),
      reply: call.kind === "void" ? undefined : call.reply?.slice(),
      action: call.kind,
      service: call.kind === "void" ? "" : call.service,
    };
  },
};

/** Where only the number counts. */
export const noOutcomeCodec: Codec<undefined> = { write: () => undefined, read: () => undefined };

/** Hexadecimal text as the bytes that it stands for. */
function hexCodec(sizeBytes: number): Codec<string> {
  const raw = fixedBytes(sizeBytes);
  return {
    write: (writer, value) => raw.write(writer, fromHex(value) ?? new Uint8Array()),
    read: (reader) => toHex(raw.read(reader)),
  };
}

const sessionKeyCodec: Codec<string> = {
  write: (writer, value) => sessionCodec.write(writer, sessionOfKey(value)),
  read: (reader) => sessionKey(sessionCodec.read(reader)),
};

/** Clients of a table, or of a part of it. */
export function clientsCodec<O>(outcome: Codec<O>): Codec<readonly ClientRecord<O>[]> {
  const session = struct({
    session: sessionKeyCodec,
    acknowledged: u32,
    outcomes: list(struct({ number: u32, outcome }), SESSION_WINDOW),
  });
  const client = struct({
    client: hexCodec(32),
    sessions: list(session, MAX_SESSIONS),
  });
  return list(client, MAX_SESSION_CLIENTS);
}

const partyCodec = atMost(u8, MAX_PARTIES - 1);

const rejoinCodec = struct({
  party: partyCodec,
  nonce: hexCodec(REJOIN_NONCE_BYTES),
  round: u64,
});
export type RejoinRecord = Value<typeof rejoinCodec>;

/** Ascending by party. */
export const rejoinsCodec = list(rejoinCodec, MAX_PARTIES);

/** The number of a party's last duty. */
const dutyCodec = struct({ party: partyCodec, number: u64 });
export type DutyRecord = Value<typeof dutyCodec>;

/** Ascending by party. */
export const dutiesCodec = list(dutyCodec, MAX_PARTIES);

/** @throws SnapshotError when `encoded` is no encoding of any value */
export function decodeSnapshot<T>(codec: Codec<T>, encoded: Uint8Array): T {
  const decoded = decode(codec, encoded);
  if (!decoded.ok) throw new SnapshotError(decoded.error);
  return decoded.value;
}
