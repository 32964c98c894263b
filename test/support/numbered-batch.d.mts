import type { Batch, Store } from "../../src/replica/store.js";

export function inputsOf(number: number): number;
export function batchOf(number: number): Batch;
export function countOf(store: Store): number;
