/** `abcast gateway`: the key-value store over HTTP. */
import { once } from "node:events";
import { type Command, InvalidArgumentError } from "commander";
import { systemProblem } from "../../replica/input-error.js";
import { openClient } from "../cluster-client.js";
import { InputError } from "../errors.js";
import { startGateway } from "../gateway.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput } from "../output.js";
import { passphrase } from "../passphrase.js";

interface Address {
  readonly host: string;
  readonly port: number;
}

interface Options {
  readonly cluster: string;
  readonly listen: Address;
  readonly timeout: number;
  readonly json?: boolean;
}

function address(text: string): Address {
  const [, host, digits] =
    /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text)?.filter((part) => part !== undefined) ?? [];
  const port = Number(digits);
  if (host === undefined || digits === undefined || port > 65_535)
    throw new InvalidArgumentError("It must be HOST:PORT.");
  return { host, port };
}

export function registerGateway(program: Command): void {
  program
    .command("gateway")
    .summary("serve the key-value store over HTTP")
    .description(
      "Serves GET, PUT and DELETE of /v1/kv/KEY over HTTP, as a client of the cluster, until it is stopped. Whoever can connect reads and writes in the client's name: there is no password, so mind the address.",
    )
    .requiredOption("--cluster <FILE>", "the client's file, client-I.json")
    .option("--listen <HOST:PORT>", "where to listen", address, { host: "127.0.0.1", port: 8080 })
    .option("--timeout <SECONDS>", "how long a request may wait for the cluster", wholeNumber(1, 20), 20)
    .addOption(jsonOption())
    .addHelpText("after", example("abcast gateway --cluster cluster/client-0.json --listen 127.0.0.1:8080"))
    .action(gateway);
}

async function gateway({ cluster, listen, timeout, json }: Options): Promise<void> {
  const output = createOutput({ json });
  const { client } = await openClient(cluster, passphrase);
  try {
    const onError = (error: unknown): void => output.note(`an answer failed: ${String(error)}`);
    const listener = await startGateway({ client, ...listen, timeoutMs: timeout * 1000, onError }).catch(
      (error: unknown) => {
        const problem = systemProblem(error);
        if (problem === undefined) throw error;
        throw new InputError({ option: "--listen" }, `cannot listen on ${listen.host}:${listen.port}: ${problem}`);
      },
    );
    const host = listen.host.includes(":") ? `[${listen.host}]` : listen.host;
    const url = `http://${host}:${listener.port}/v1/kv/`;
    output.result({ url, port: listener.port }, `serving ${url}KEY`);
    await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
    await listener.close();
  } finally {
    client.close();
  }
}
