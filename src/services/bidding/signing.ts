/** What the holders of keys sign (registry.ts). */
import { concat, utf8 } from "../../core/bytes.js";
import { encode, fixedBytes, struct, u32 } from "../../core/codec.js";
import { keyNameCodec } from "./key-name.js";
import { type BiddingCommand, commandCodec } from "./messages.js";
import { keyCodec } from "./terms.js";

const registrationCodec = struct({ cluster: fixedBytes(32), name: keyNameCodec, key: keyCodec });
const commandOfKeyCodec = struct({ cluster: fixedBytes(32), key: keyCodec, number: u32, command: commandCodec });

export interface NewKey {
  readonly cluster: Uint8Array;
  readonly name: string;
  readonly key: Uint8Array;
}

/** What a key's holder signs to have it registered under a name: so nobody registers a key that it has not. @throws EncodeError */
export function registrationStatement(registration: NewKey): Uint8Array {
  return concat(utf8("abcast/2 bidding key\n"), encode(registrationCodec, registration));
}

export interface CommandOfKey {
  readonly cluster: Uint8Array;
  readonly key: Uint8Array;
  /** Greater than those of the key's commands before. */
  readonly number: number;
  readonly command: BiddingCommand;
}

/** What a key's holder signs to have a command executed once. @throws EncodeError */
export function commandStatement(command: CommandOfKey): Uint8Array {
  return concat(utf8("abcast/2 bidding command\n"), encode(commandOfKeyCodec, command));
}
