/** Where a party's store is. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { partyConfigSchema } from "../replica/config.js";
import { loadPublic, readFileAs } from "../replica/config-files.js";
import { InputError } from "../replica/input-error.js";
import type { StoreOwner } from "../replica/store-owner.js";
import { checkPartyDirectory } from "./launch.js";
import { runningProcess } from "./pid-file.js";

/** The store of the party in `directory`. */
export function storeDirectory(directory: string): string {
  return join(directory, "store");
}

/** The store that `directory`, a party's or the store itself, names. @throws InputError when it is neither */
export function storeIn(directory: string): string {
  if (existsSync(join(directory, "store.mdb")) && !existsSync(join(directory, "config.json"))) return directory;
  checkPartyDirectory(directory);
  return storeDirectory(directory);
}

/** Where a store is to be made: in the party's directory, or there itself. @throws InputError when the party runs */
export function newStoreIn(directory: string): string {
  if (!existsSync(join(directory, "config.json"))) return directory;
  refuseRunning(directory);
  return storeDirectory(directory);
}

/** Whose store belongs into `directory`; undefined where that is no party's. @throws InputError when its files cannot be used */
export async function ownerIn(directory: string): Promise<StoreOwner | undefined> {
  const file = join(directory, "config.json");
  if (!existsSync(file)) return undefined;
  const { party } = await readFileAs(file, partyConfigSchema, "open");
  const { cluster } = await loadPublic(join(directory, "public.json"));
  return { cluster, party };
}

/** @throws InputError when the party in `directory` runs */
export function refuseRunning(directory: string): void {
  const running = runningProcess(directory) ?? runningProcess(join(directory, ".."));
  if (running === undefined) return;
  throw new InputError(
    { file: directory },
    `the party runs as process ${running.pid}; stop it first, with abcast down`,
  );
}
