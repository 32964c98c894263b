/** The counter service. */
export {
  type CounterOperation,
  type CounterReply,
  createCounter,
  decodeCounterReply,
  encodeCounterOperation,
} from "./counter.js";
