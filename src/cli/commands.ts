/**
 * The commands of `abcast`, in the order of its help. Each is loaded when it is needed: most of what one imports, such as
 * the dealer or the storage, the others do without, and to load everything takes longer than most commands run.
 */
import type { Command } from "commander";

/** Adds one command to the program. */
export type RegisterCommand = (program: Command) => void;

/** By the command's name. */
export type Commands = Readonly<Record<string, () => Promise<RegisterCommand>>>;

export const COMMANDS: Commands = {
  init: async () => (await import("./commands/init.js")).registerInit,
  up: async () => (await import("./commands/up.js")).registerUp,
  down: async () => (await import("./commands/up.js")).registerDown,
  node: async () => (await import("./commands/node.js")).registerNode,
  notarize: async () => (await import("./commands/notarize.js")).registerNotarize,
  watch: async () => (await import("./commands/watch.js")).registerWatch,
  kv: async () => (await import("./commands/kv.js")).registerKv,
  counter: async () => (await import("./commands/counter.js")).registerCounter,
  auction: async () => (await import("./commands/auction.js")).registerAuction,
  book: async () => (await import("./commands/book.js")).registerBook,
  gateway: async () => (await import("./commands/gateway.js")).registerGateway,
  tsa: async () => (await import("./commands/tsa.js")).registerTsa,
  verify: async () => (await import("./commands/verify.js")).registerVerify,
  monitor: async () => (await import("./commands/monitor.js")).registerMonitor,
  receipt: async () => (await import("./commands/receipt.js")).registerReceipt,
  evidence: async () => (await import("./commands/evidence.js")).registerEvidence,
  status: async () => (await import("./commands/status.js")).registerStatus,
  log: async () => (await import("./commands/log.js")).registerLog,
  fsck: async () => (await import("./commands/fsck.js")).registerFsck,
  inspect: async () => (await import("./commands/inspect.js")).registerInspect,
  export: async () => (await import("./commands/export.js")).registerExport,
  backup: async () => (await import("./commands/backup.js")).registerBackup,
  restore: async () => (await import("./commands/backup.js")).registerRestore,
  rejoin: async () => (await import("./commands/backup.js")).registerRejoin,
  keygen: async () => (await import("./commands/keygen.js")).registerKeygen,
  unseal: async () => (await import("./commands/unseal.js")).registerUnseal,
  protect: async () => (await import("./commands/protect.js")).registerProtect,
  "renew-certificate": async () => (await import("./commands/renew-certificate.js")).registerRenewCertificate,
  structure: async () => (await import("./commands/structure.js")).registerStructure,
  simulate: async () => (await import("./commands/simulate.js")).registerSimulate,
  trace: async () => (await import("./commands/trace.js")).registerTrace,
  demo: async () => (await import("./commands/demo.js")).registerDemo,
  bench: async () => (await import("./commands/bench.js")).registerBench,
};
