/** The notary's page: documents are given numbers, receipts checked, and the group is watched. */
import { type VerificationKey, readVerificationKey } from "../../verify/index.js";
import { getText } from "../common/api.js";
import { byId } from "../common/dom.js";
import { onFiles } from "../common/files.js";
import { repeat, run } from "../common/shell.js";
import { ClusterView } from "./cluster-view.js";
import { DocumentsView } from "./documents-view.js";
import { LogView } from "./log-view.js";
import { VerifyView } from "./verify-view.js";

const STATUS_INTERVAL_MS = 2_000;

let known: VerificationKey | undefined;

/** The first answer counts: a replica that changes its mind would be found out by receipts that no longer verify. */
async function clusterKey(): Promise<VerificationKey> {
  if (known !== undefined) return known;
  const read = readVerificationKey(await getText("/v1/config"));
  if (!read.ok) throw new Error(`this replica’s public.json is none: ${read.error}`);
  known = read.value;
  return known;
}

const cluster = new ClusterView();
const documents = new DocumentsView({ key: clusterKey, onOrdered: (digest) => log.mark(digest) });
const log = new LogView();
const verification = new VerifyView({ key: clusterKey });
onFiles(byId("documents", HTMLInputElement), (files) => documents.add(files));
verification.listen();
run(log.follow());
repeat(STATUS_INTERVAL_MS, () => cluster.refresh());
