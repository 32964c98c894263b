/** Batches whose contents follow from their number, which counts from 1. */

/** Batch `number` has as many inputs, and starts after those of the batches before. */
export function inputsOf(number) {
  return 1 + (number % 3);
}

export function batchOf(number) {
  const text = (kind, index) =>
    new TextEncoder().encode(`${kind} ${number}.${index} `.padEnd(20 + ((number * 37) % 3000), "x"));
  return {
    inputs: Array.from({ length: inputsOf(number) }, (_, index) => text("input", index)),
    signed: [{ slot: `abc/${number}#slot`, digest: text("digest", 0) }],
    proofs: [{ channel: "abc", round: number, envelope: text("proof", 0) }],
    ledger: [{ sequence: number, round: number, payload: text("payload", 0) }],
  };
}

/** The number of the last batch that any table of the store knows. */
export function countOf(store) {
  let number = 0;
  while (
    store.ledgerEntry(number + 1) !== undefined ||
    store.proof("abc", number + 1) !== undefined ||
    store.signed(`abc/${number + 1}#slot`) !== undefined
  )
    number++;
  return number;
}
