/** Names of services on the command line. */
import { InvalidArgumentError } from "commander";
import { MAX_SERVICES } from "../replica/config.js";
import { serviceNameField } from "../replica/config-fields.js";
import { KNOWN_SERVICES } from "./services.js";

/** Of those that come with abcast. */
export function servicesOfAbcast(text: string): readonly string[] {
  const names = serviceNames(text);
  const unknown = names.find((name) => !KNOWN_SERVICES.includes(name));
  if (unknown === undefined) return names;
  throw new InvalidArgumentError(
    `There is no service ${unknown}, only ${KNOWN_SERVICES.join(", ")}; those of a program of your own are for --own-services.`,
  );
}

/** Ascending, each once. */
export function serviceNames(text: string): readonly string[] {
  const names = [...new Set(text.split(","))].sort();
  const wrong = names.find((name) => !serviceNameField.safeParse(name).success);
  if (wrong === undefined && names.length <= MAX_SERVICES) return names;
  if (wrong === undefined) throw new InvalidArgumentError(`At most ${MAX_SERVICES} services.`);
  throw new InvalidArgumentError(
    `"${wrong}" is no name of a service: 1 to 32 lower-case letters, digits or "-", and a letter first.`,
  );
}
