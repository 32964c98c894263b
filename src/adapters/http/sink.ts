/** The body of an answer that goes on. */
import type { ServerResponse } from "node:http";
import type { HttpSink } from "./exchange.js";

export function sinkOf(response: ServerResponse): HttpSink {
  return {
    get waitingBytes() {
      return response.writableLength;
    },
    write: (text) => void response.write(text),
    onDrain: (action) => void response.on("drain", action),
    onClose: (action) => void (response.closed ? action() : response.on("close", action)),
    close: () => void response.destroy(),
  };
}
