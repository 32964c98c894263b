/**
 * A disk that fails, or on which the process dies, at a chosen moment: before, in the middle of, or after the k-th operation at a
 * write point. In the middle: half of the bytes are written, half of a transaction's changes are made.
 */

function firstHalf(pieces) {
  const bytes = Buffer.concat(pieces);
  return bytes.subarray(0, bytes.length >> 1);
}

/**
 * @param disk the real one
 * @param plan { point, count, moment: "before" | "middle" | "after", fate: "kill" | "fail" }; undefined: only counts
 * @param onHit called with the point of each operation, before it
 */
export function faultyDisk(disk, plan, onHit = () => {}) {
  let count = 0;
  const strike = () => {
    if (plan.fate === "kill") {
      process.kill(process.pid, "SIGKILL");
      // Until it takes effect.
      for (;;);
    }
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
  };
  const at = async (point, operation, half) => {
    onHit(point);
    const isHit = plan !== undefined && plan.point === point && ++count === plan.count;
    if (!isHit) return operation(() => {});
    if (plan.moment === "before") strike();
    if (plan.moment === "middle") {
      if (half !== undefined) {
        await half();
        strike();
      }
      return operation(plan.fate === "kill" ? strike : () => {});
    }
    await operation(() => {});
    return strike();
  };
  /** In the middle: it was asked of the system, and nobody waits for it. */
  const once = (point, operation) => at(point, operation, () => void operation().catch(() => {}));
  /** `write` is that of the disk for files of this kind. */
  const writing =
    (write) =>
    (point, file, pieces, ...how) =>
      at(
        point,
        () => write(point, file, pieces, ...how),
        () => write(point, file, [firstHalf(pieces)], ...how),
      );
  return {
    create: (point, path) => disk.create(point, path),
    write: writing((...args) => disk.write(...args)),
    createBlocks: (point, path) => disk.createBlocks(point, path),
    writeBlocks: writing((...args) => disk.writeBlocks(...args)),
    sync: (point, file, atOnce) => once(point, () => disk.sync(point, file, atOnce)),
    truncate: (point, file, sizeBytes) => once(point, () => disk.truncate(point, file, sizeBytes)),
    unlink: (point, path) => once(point, () => disk.unlink(point, path)),
    syncDirectory: (point, path) => once(point, () => disk.syncDirectory(point, path)),
    transact: (point, transaction) =>
      at(point, (strikeMidway) =>
        disk.transact(point, (midway) =>
          transaction(() => {
            midway();
            strikeMidway();
          }),
        ),
      ),
  };
}
