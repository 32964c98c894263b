/**
 * A time-stamping authority (RFC 3161, RFC 5816): the service that says what a token contains. The group signs it, with the key that is
 * for tokens only; so no server can make a token, or date one, by itself.
 *
 * A token takes two operations. `request` has a TimeStampReq ordered, and `stamp`, in a later round, makes its token: the number of `stamp`,
 * which is alone under it, is the serial number, and its round's time is genTime. Why two: a round's time is between readings that honest parties made when they signed
 * their entries in it, and one who holds a round open can add to it what is newer than these readings. A later round's entries are signed
 * after the request's round was decided, so every honest reading in it was made when the request was there. So no token
 * is dated before an honest clock that knew its request (docs/tsa.md).
 *
 * genTime is never the same twice, and grows with the serial numbers: `ordering` is true.
 */
import { equalBytes } from "../../core/bytes.js";
import { decode, encode, fixedBytes, list, refine, struct, u32, u64 } from "../../core/codec.js";
import { isOid, oid, sequence } from "../../core/der.js";
import type { Group } from "../../core/group.js";
import { MAX_PARTIES, type PartyId } from "../../core/party-set.js";
import type { ApplyContext, Service } from "../service.js";
import { chainProblem, readCertificate } from "./certificate.js";
import {
  chainCodec,
  decodeTsaOperation,
  decodeTsaReply,
  encodeTsaAnswer,
  encodeTsaReply,
  type TsaReply,
} from "./operations.js";
import { PendingRequests, byPlace, pendingCodec, type PendingPlace, type PendingRequest } from "./pending.js";
import { judgeRequest, type TimeStampRequest } from "./request.js";
import { encodeAttributes, encodeInfo } from "./token.js";
import { Votes } from "./votes.js";

export const TSA_SERVICE = "tsa";

/** What round times are exact to, and what ties add to them, is less. */
export const MIN_ACCURACY_MS = 10;
export const MAX_ACCURACY_MS = 86_400_000;

const PENDING_PER_CHUNK = 100;

export interface TsaOptions {
  readonly group: Pick<Group, "hasHonest">;
  /** SHA-256. */
  readonly hash: (bytes: Uint8Array) => Uint8Array;
  /** The group's key for tokens, a SubjectPublicKeyInfo. */
  readonly tokenKey: Uint8Array;
  /** An object identifier in dots and decimals: the one policy. */
  readonly policy: string;
  /** How far from UTC the clock of an honest party may be, as its operators promise. */
  readonly accuracyMs: number;
  /** The first certificates, DER: the authority's own, then each one's issuer's. */
  readonly chain: readonly Uint8Array[];
  /** Which party's this client key is, if any's. */
  readonly partyOf: (client: Uint8Array) => PartyId | undefined;
}

const headCodec = struct({
  chain: chainCodec,
  /** The last token's time, once there is one. */
  lastMicros: list(u64, 1),
  votes: list(struct({ party: u32, digest: fixedBytes(32) }), MAX_PARTIES),
});
const pageCodec = refine(list(pendingCodec, PENDING_PER_CHUNK), (page) => (page.length > 0 ? undefined : "empty"));

/** @throws RangeError when an option is none, or the certificates do not fit */
export function createTsa(options: TsaOptions): Service {
  const problem = optionsProblem(options);
  if (problem !== undefined) throw new RangeError(problem);
  const policy = oid(options.policy);
  const { tokenKey, accuracyMs } = options;
  let signer = signerOf(options.chain, options.hash);
  let lastMicros: number | undefined;
  let pending = new PendingRequests();
  let votes = new Votes(options.group);

  const request = (context: ApplyContext, bytes: Uint8Array): TsaReply => {
    const { sequence: number, index, round, roundTimeMs, client } = context;
    if (roundTimeMs === undefined) return { kind: "no-time" };
    pending.add({ sequence: number, index, round, client: client.slice(), request: bytes.slice() });
    return { kind: "waiting" };
  };

  const stamp = (context: ApplyContext, place: PendingPlace): TsaReply => {
    const { sequence: serial, index, round, roundTimeMs, client } = context;
    if (index > 0) return { kind: "not-alone" };
    const waiting = pending.get(client, place);
    if (waiting === undefined) return { kind: "not-waiting" };
    if (waiting.round >= round) return { kind: "too-early" };
    const genTimeMicros = nextTime(roundTimeMs, lastMicros);
    if (genTimeMicros === undefined) return { kind: "no-time" };
    pending.remove(waiting);
    lastMicros = genTimeMicros;
    const asked = requestOf(waiting, policy);
    const info = encodeInfo({ ...asked, policy, serial, genTimeMicros, accuracyMs });
    const attributes = encodeAttributes(options.hash(info), signer);
    const certificates = asked.certReq ? signer.chain : [];
    return { kind: "token", info, signer: signer.name, attributes, certificates };
  };

  const install = ({ client }: ApplyContext, chain: readonly Uint8Array[]): TsaReply => {
    const party = options.partyOf(client);
    if (party === undefined) return { kind: "not-a-party" };
    const encoded = encode(chainCodec, chain);
    if (equalBytes(encoded, encode(chainCodec, signer.chain))) return { kind: "installed" };
    const { votes: count, suffice } = votes.add(party, options.hash(encoded));
    if (!suffice) return { kind: "vote", votes: count };
    signer = signerOf(
      chain.map((certificate) => certificate.slice()),
      options.hash,
    );
    votes.clear();
    return { kind: "installed" };
  };

  return {
    name: TSA_SERVICE,
    statementKey: "token",

    validate(bytes) {
      const operation = decodeTsaOperation(bytes);
      if (!operation.ok) return false;
      const { value } = operation;
      if (value.kind === "request") return judgeRequest(value.request, policy).ok;
      return value.kind === "stamp" || chainProblem(value.chain, tokenKey) === undefined;
    },

    apply(context, bytes) {
      const operation = decodeTsaOperation(bytes);
      if (!operation.ok) throw new Error(`operation ${context.sequence} was ordered but is none: ${operation.error}`);
      const { value } = operation;
      if (value.kind === "request") return encodeTsaReply(request(context, value.request));
      return encodeTsaReply(value.kind === "stamp" ? stamp(context, value) : install(context, value.chain));
    },

    query: () => encodeTsaAnswer({ policy, accuracyMs, chain: signer.chain, waiting: pending.size }),

    *snapshot() {
      const { chain } = signer;
      yield encode(headCodec, { chain, lastMicros: lastMicros === undefined ? [] : [lastMicros], votes: votes.all() });
      const all = pending.all();
      for (let from = 0; from < all.length; from += PENDING_PER_CHUNK) {
        yield encode(pageCodec, all.slice(from, from + PENDING_PER_CHUNK));
      }
    },

    restore(chunks) {
      const [first, ...others] = chunks;
      const head = first === undefined ? undefined : decode(headCodec, first.slice());
      if (head?.ok !== true || chainProblem(head.value.chain, tokenKey) !== undefined) throw noSnapshot();
      const restored = new PendingRequests();
      let last: PendingPlace = { sequence: 0, index: -1 };
      for (const waiting of others.flatMap(pageOf)) {
        if (byPlace(waiting, last) <= 0 || !judgeRequest(waiting.request, policy).ok) throw noSnapshot();
        last = waiting;
        restored.add(waiting);
      }
      const restoredVotes = new Votes(options.group);
      for (const { party, digest } of head.value.votes) restoredVotes.add(party, digest);
      signer = signerOf(head.value.chain, options.hash);
      [lastMicros] = head.value.lastMicros;
      pending = restored;
      votes = restoredVotes;
    },

    statement(reply) {
      const decoded = decodeTsaReply(reply);
      return decoded.ok && decoded.value.kind === "token" ? decoded.value.attributes : undefined;
    },
  };
}

function optionsProblem({ policy, accuracyMs, chain, tokenKey }: TsaOptions): string | undefined {
  if (!isOid(policy)) return `the policy ${policy} is no object identifier`;
  const isAccurate = Number.isInteger(accuracyMs) && accuracyMs >= MIN_ACCURACY_MS && accuracyMs <= MAX_ACCURACY_MS;
  if (!isAccurate) return `an accuracy of ${accuracyMs} ms is not within ${MIN_ACCURACY_MS}..${MAX_ACCURACY_MS}`;
  return chainProblem(chain, tokenKey);
}

/** What stands in tokens of the certificates in force. */
function signerOf(chain: readonly Uint8Array[], hash: TsaOptions["hash"]) {
  const own = chain[0] ?? new Uint8Array();
  const read = readCertificate(own);
  if (!read.ok) throw new Error(`a certificate that was checked is none: ${read.error}`);
  const { issuer, serial } = read.value;
  return { chain, issuer, serial, digest: hash(own), name: sequence(issuer, serial) };
}

/** Microseconds since 1970: the round's time, or the least that is later than the last token's. Undefined when that cannot be written. */
function nextTime(roundTimeMs: number | undefined, lastMicros: number | undefined): number | undefined {
  if (roundTimeMs === undefined) return undefined;
  const micros = Math.max(1000 * roundTimeMs, (lastMicros ?? -1) + 1);
  return Number.isSafeInteger(micros) ? micros : undefined;
}

/** It was checked before it was ordered. */
function requestOf({ request }: PendingRequest, policy: Uint8Array): TimeStampRequest {
  const judged = judgeRequest(request, policy);
  if (!judged.ok) throw new Error(`a request that was ordered is none: ${judged.reason}`);
  return judged.request;
}

function pageOf(chunk: Uint8Array): readonly PendingRequest[] {
  const page = decode(pageCodec, chunk.slice());
  if (!page.ok) throw noSnapshot();
  return page.value;
}

function noSnapshot(): Error {
  return new Error("the time-stamping authority's snapshot is none");
}
