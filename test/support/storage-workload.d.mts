import type { Batch, CheckpointRecord, KeptBatch, Storage } from "../../src/replica/storage.js";

export const CYCLE: number;
export const MIN_FILED_BYTES: number;
export function sha256(bytes: Uint8Array): Uint8Array;
export function inputsOf(step: number): number;
export function inputAfter(step: number): number;
export function laneBatchOf(step: number): KeptBatch;
export function batchOf(step: number): Batch;
export function chunksOf(round: number): readonly { readonly hash: Uint8Array; readonly bytes: Uint8Array }[];
export function checkpointOf(round: number): CheckpointRecord;
export function takeStep(storage: Storage, step: number): Promise<void>;
export function recoverAll(storage: Storage): Promise<number>;
export function differences(storage: Storage, step: number): string[];
