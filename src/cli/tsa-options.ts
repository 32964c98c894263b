/** What `abcast init` asks about the time-stamping authority. */
import { Option } from "commander";
import { z } from "zod";
import { oidField } from "../replica/config-fields.js";
import { MAX_ACCURACY_MS, MIN_ACCURACY_MS } from "../services/tsa/index.js";
import { checkedText, wholeNumber } from "./options.js";

/** Under an arc that needs no registration (X.667): a random UUID. It says what docs/tsa.md says. */
const DEFAULT_POLICY = "2.25.156081778427501091023014821052722422264";
const DEFAULT_ACCURACY_MS = 1000;
const MAX_NAME_CHARACTERS = 64;

const nameField = z
  .string()
  .regex(/^[\x20-\x7e]+$/, "must be of printable ASCII characters")
  .max(MAX_NAME_CHARACTERS, `has at most ${MAX_NAME_CHARACTERS} characters`);

export const TSA_NAME = new Option("--tsa-name <TEXT>", "common name in the certificate of the time-stamping authority")
  .argParser(checkedText(nameField))
  .default("abcast time-stamping authority");

export const TSA_POLICY = new Option("--tsa-policy <OID>", "policy of time-stamp tokens")
  .argParser(checkedText(oidField))
  .default(DEFAULT_POLICY);

export const TSA_ACCURACY = new Option(
  "--tsa-accuracy-ms <NUMBER>",
  "how far from UTC you promise that the clock of each honest party is, at most",
)
  .argParser(wholeNumber(MIN_ACCURACY_MS, MAX_ACCURACY_MS))
  .default(DEFAULT_ACCURACY_MS);
