/**
 * Reads payloads and checks them by themselves, without any state: form, cluster, signature, and whether the service takes the
 * operation. That is asked many times of one payload, so what is right is remembered. Verification is a pure function: to
 * forget changes nothing. What is wrong is not remembered: a peer could fill the memory with it.
 */
import { equalBytes, toHex } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import type { Service } from "../../services/service.js";
import {
  type Duty,
  type Rejoin,
  type Request,
  decodePayload,
  dutyStatement,
  rejoinStatement,
  requestStatement,
  signedBytes,
} from "../../wire/payload.js";
import { sessionKey } from "./session-key.js";
import { type Place, isWithinWindow } from "./sessions.js";
import type { MachineOptions } from "./types.js";

/** Payloads that are remembered as right. */
export const MAX_KNOWN_PAYLOADS = 32 * 1024;

/** A payload that is right by itself. Thousands are kept: this is all that is kept of one. */
export interface KnownPayload {
  /** What (client, session, number), (party, nonce) or (party, number) say, as text: see `identityOf`. */
  readonly id: string;
  /** Of a request; else 0. */
  readonly acknowledged: number;
}

interface RejoinIdentity {
  readonly kind: "rejoin";
  readonly party: PartyId;
  readonly nonce: string;
}

interface DutyIdentity {
  readonly kind: "duty";
  readonly party: PartyId;
  readonly number: number;
}

export type Identity = ({ readonly kind: "request" } & Place) | RejoinIdentity | DutyIdentity;

const REJOIN = "rejoin";
const DUTY = "duty";

interface Digests {
  /** Of what its signature is on. */
  readonly signed: Uint8Array;
  readonly whole: Uint8Array;
}

export class PayloadReader {
  readonly #options: MachineOptions;
  readonly #services: ReadonlyMap<string, Service>;
  /** Of payloads that are in memory, each hashed once, however often it is asked for. What is in them must not change. */
  readonly #digests = new WeakMap<Uint8Array, Digests>();
  #young = new Map<string, KnownPayload>();
  #old = new Map<string, KnownPayload>();

  constructor(options: MachineOptions, services: ReadonlyMap<string, Service>) {
    this.#options = options;
    this.#services = services;
  }

  /** Payloads that are remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** SHA-256 of the payload. */
  digestOf(payload: Uint8Array): Uint8Array {
    return this.#digestsOf(payload).whole;
  }

  #digestsOf(payload: Uint8Array): Digests {
    const known = this.#digests.get(payload);
    if (known !== undefined) return known;
    const [signed, whole] = this.#options.hashTwice(payload, signedBytes(payload));
    const digests = { signed, whole };
    this.#digests.set(payload, digests);
    return digests;
  }

  /** Undefined when the payload is never valid. */
  read(payload: Uint8Array): KnownPayload | undefined {
    const key = toHex(this.digestOf(payload));
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const known = this.#old.get(key) ?? this.#check(payload);
    if (known !== undefined) this.#remember(key, known);
    return known;
  }

  /** Two generations: cheap, and what is asked for again survives. */
  #remember(key: string, known: KnownPayload): void {
    if (this.#young.size >= MAX_KNOWN_PAYLOADS / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#old.delete(key);
    this.#young.set(key, known);
  }

  #check(bytes: Uint8Array): KnownPayload | undefined {
    const decoded = decodePayload(bytes);
    if (!decoded.ok || !equalBytes(decoded.value.cluster, this.#options.cluster)) return undefined;
    const payload = decoded.value;
    if (payload.kind === "request") return this.#checkRequest(payload, bytes);
    return payload.kind === "rejoin" ? this.#checkRejoin(payload) : this.#checkDuty(payload);
  }

  /** The signature last: it costs the most. */
  #checkRequest(request: Request, encoded: Uint8Array): KnownPayload | undefined {
    const { number, acknowledged, signature } = request;
    if (!isWithinWindow(number, acknowledged) || !this.#options.isClient(request.client)) return undefined;
    if (!this.#isServed(request.action)) return undefined;
    const statement = requestStatement(this.#digestsOf(encoded).signed);
    if (!this.#options.verifyClient(request.client, statement, signature)) return undefined;
    const place = { client: toHex(request.client), session: sessionKey(request.session), number };
    return { id: idOf({ kind: "request", ...place }), acknowledged };
  }

  #isServed(action: Request["action"]): boolean {
    if (action.kind === "void") return true;
    const service = this.#services.get(action.service);
    if (service?.validate === undefined) return service !== undefined;
    const operations = action.kind === "call" ? [action.operation] : action.operations;
    for (const operation of operations) {
      // A service of one's own may be no TypeScript: nothing but a plain yes will do.
      const answer: unknown = service.validate(operation);
      if (answer !== true) return false;
    }
    return true;
  }

  #checkRejoin(rejoin: Rejoin): KnownPayload | undefined {
    const { party, signature } = rejoin;
    if (!this.#options.verifyParty(party, rejoinStatement(rejoin), signature)) return undefined;
    return { id: idOf({ kind: "rejoin", party, nonce: toHex(rejoin.nonce) }), acknowledged: 0 };
  }

  #checkDuty(duty: Duty): KnownPayload | undefined {
    const { party, number, service, operation, signature } = duty;
    if (this.#services.get(service)?.duties?.validate(operation) !== true) return undefined;
    if (!this.#options.verifyParty(party, dutyStatement(duty), signature)) return undefined;
    return { id: idOf({ kind: "duty", party, number }), acknowledged: 0 };
  }
}

export function idOf(identity: Identity): string {
  if (identity.kind === "rejoin") return `${REJOIN}/${identity.party}/${identity.nonce}`;
  if (identity.kind === "duty") return `${DUTY}/${identity.party}/${identity.number}`;
  return `${identity.client}/${identity.session}/${identity.number}`;
}

/** The other way round, of what `idOf` has made. */
export function identityOf(id: string): Identity {
  const [first = "", second = "", third = ""] = id.split("/");
  if (first === REJOIN) return { kind: "rejoin", party: Number(second), nonce: third };
  if (first === DUTY) return { kind: "duty", party: Number(second), number: Number(third) };
  return { kind: "request", client: first, session: second, number: Number(third) };
}
