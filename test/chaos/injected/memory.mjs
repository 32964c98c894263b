/**
 * Loaded into a replica's process before anything else (`node --import`): it says in the file CHAOS_MEMORY, as JSON, what was in use
 * after the last full garbage collection, or at the start: { heapBytes, outsideBytes }, the second of buffers and native objects
 * outside of the heap.
 */
import { renameSync, writeFileSync } from "node:fs";
import { constants, PerformanceObserver } from "node:perf_hooks";

const file = process.env.CHAOS_MEMORY;
if (file !== undefined) {
  const tell = () => {
    const { heapUsed, external } = process.memoryUsage();
    // Whoever reads it meanwhile finds one or the other.
    writeFileSync(`${file}.next`, JSON.stringify({ heapBytes: heapUsed, outsideBytes: external }));
    renameSync(`${file}.next`, file);
  };
  tell();
  const observer = new PerformanceObserver((list) => {
    if (list.getEntries().some(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR)) tell();
  });
  observer.observe({ entryTypes: ["gc"] });
}
