/** `unkey audit`: the audit log, newest first. */
import { defineCommand, type Process } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, textSchema } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService, type AuditEntry } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling, connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { findProject } from "../shared/find_deployment.ts";
import { age, JSON_FIELD, jsonLine, table } from "../shared/output.ts";
import { limitFields, type Page, readPages } from "../shared/pages.ts";

const PAGE_MAX = 200;

const FIELDS = {
  ...CONNECT_FIELDS,
  deployment: field({
    flag: "deployment",
    env: "UNKEY_AUDIT_DEPLOYMENT",
    placeholder: "<id>",
    help: "Only what was done to this deployment.",
    schema: textSchema(""),
  }),
  project: field({
    flag: "project",
    env: "UNKEY_PROJECT",
    placeholder: "<slug or id>",
    help: "Only what was done in this project.",
    schema: textSchema(),
  }),
  action: field({
    flag: "action",
    env: "UNKEY_AUDIT_ACTION",
    placeholder: "<name>",
    help: "Only this action, e.g. deployment.create.",
    schema: textSchema(""),
  }),
  ...limitFields({ help: "Most entries to list.", count: 50, countMax: 10_000 }),
  json: JSON_FIELD,
};
type AuditConfig = ConfigOf<typeof FIELDS>;

/** `unkey audit` */
export const command = defineCommand({
  outcome: "output",
  fields: FIELDS,
  async run({ config }, process) {
    const connection = await connect(config, process);
    const { rows, nextPageToken } = await calling(
      connection,
      () => readEntries(connection, config, process.signal),
    );
    if (config.json) {
      const next = nextPageToken === "" ? {} : { nextPageToken };
      return process.stdout(jsonLine({ entries: rows.map(entryJson), ...next }));
    }
    printEntries(rows, nextPageToken !== "", process);
  },
});

async function readEntries(
  connection: Connection,
  { project, deployment: deploymentId, action, limit, pageToken }: AuditConfig,
  signal: AbortSignal,
): Promise<Page<AuditEntry>> {
  const client = createRpcClient(AdminService, connection);
  const projectId = project === undefined ? "" : (await findProject(connection, project, signal)).id;
  return await readPages({ limit, pageToken, pageSizeMax: PAGE_MAX }, async (page) => {
    const request = { projectId, deploymentId, action, ...page };
    const { entries, nextPageToken } = await client.listAuditLog(request, { signal });
    return { rows: entries, nextPageToken };
  });
}

function printEntries(entries: readonly AuditEntry[], more: boolean, process: Process): void {
  if (entries.length === 0) return process.stderr("Nothing was done yet that fits.\n");
  const now = process.clock.now();
  process.stdout(table(
    ["AGE", "WHO", "ACTION", "WHAT", "DETAILS"],
    entries.map((each) => [
      age(Number(each.createdAt), now),
      whoOf(each),
      each.action,
      each.resourceId,
      detailsOf(factsOf(each)),
    ]),
  ));
  if (more) process.stderr("There are more: --limit shows them.\n");
}

function whoOf({ actorKind, actorId, actorName }: AuditEntry): string {
  if (actorKind === "root_key") return actorName === "" ? actorId : `${actorName} (${actorId})`;
  return actorName === "" ? actorKind : `${actorKind}: ${actorName}`;
}

function detailsOf(facts: Readonly<Record<string, unknown>>): string {
  return Object.entries(facts).map(([name, value]) =>
    `${name}=${Array.isArray(value) ? value.join(",") : String(value)}`
  ).join(" ");
}

function factsOf({ factsJson }: AuditEntry): Record<string, unknown> {
  const facts: unknown = JSON.parse(factsJson);
  return typeof facts === "object" && facts !== null ? { ...facts } : {};
}

function entryJson(entry: AuditEntry) {
  const { projectId, environmentId, actorId, actorName } = entry;
  return {
    id: entry.id,
    createdAt: Number(entry.createdAt),
    actor: {
      kind: entry.actorKind,
      ...(actorId === "" ? {} : { id: actorId }),
      ...(actorName === "" ? {} : { name: actorName }),
    },
    action: entry.action,
    resource: { type: entry.resourceType, id: entry.resourceId },
    ...(projectId === "" ? {} : { projectId }),
    ...(environmentId === "" ? {} : { environmentId }),
    facts: factsOf(entry),
  };
}
