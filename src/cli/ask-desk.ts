/** A replica's desk, asked by the replica's own HTTP interfaces: as by a client that connects, asks one thing and leaves. */
import { concat } from "../core/bytes.js";
import { decode, encode } from "../core/codec.js";
import type { Connection, ConnectionHandlers } from "../replica/links.js";
import {
  CLIENT_PROTOCOL_VERSION,
  type ClientFrame,
  clientFrameCodec,
  type ReplyFrame,
  replyFrameCodec,
} from "../wire/client-frames.js";

/** Below the server's bound on a connection's life. */
const ANSWER_TIMEOUT_MS = 8_000;

export interface DeskAccess {
  readonly cluster: Uint8Array;
  /** `Desk.open`; undefined while the replica serves nobody. */
  open(connection: Connection): ConnectionHandlers | undefined;
}

/** "closed": the replica serves nobody; "late": it has not answered in time, and may do yet what it was asked. */
export type DeskReply = ReplyFrame | "closed" | "late";

/** What the desk answers one frame, as it would a client's. */
export function askDesk(options: DeskAccess, frame: ClientFrame): Promise<DeskReply> {
  return new Promise((resolve) => {
    let handlers: ConnectionHandlers | undefined;
    const finish = (reply: DeskReply): void => {
      clearTimeout(timer);
      handlers?.onClose("answered");
      handlers = undefined;
      resolve(reply);
    };
    const timer = setTimeout(() => finish("late"), ANSWER_TIMEOUT_MS);
    handlers = options.open({
      peer: { kind: "client", client: -1 },
      send(...pieces) {
        const reply = decode(replyFrameCodec, concat(...pieces));
        if (reply.ok && reply.value.kind !== "welcome") finish(reply.value);
        return true;
      },
      pause: () => undefined,
      resume: () => undefined,
      close: () => finish("closed"),
    });
    const hello = { kind: "hello", version: CLIENT_PROTOCOL_VERSION, cluster: options.cluster } as const;
    if (handlers === undefined) return finish("closed");
    handlers.onFrame(encode(clientFrameCodec, hello));
    handlers?.onFrame(encode(clientFrameCodec, frame));
  });
}
