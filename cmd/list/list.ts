/** `unkey list`: deployments, switches, runs or crons, newest first, or projects. */
import { defineCommand, type Process, UsageError } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, textSchema } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { CronService } from "../../proto/gen/ctrl/v1/cron_pb.ts";
import { type Deployment, DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { calling, connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { cronJson, cronsTable } from "../shared/cron_view.ts";
import { deploymentJson, statusText } from "../shared/deployment_view.ts";
import { findProject } from "../shared/find_deployment.ts";
import { age, JSON_FIELD, jsonLine, table } from "../shared/output.ts";
import { limitFields, type Page, readPages } from "../shared/pages.ts";
import { runJson, runsTable } from "../shared/run_view.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";
import { switchesTable } from "./switches.ts";
import { receiptJson } from "../shared/switch_receipt.ts";

const PAGE_MAX = 100;

const FIELDS = {
  ...CONNECT_FIELDS,
  project: field({
    flag: "project",
    env: "UNKEY_PROJECT",
    placeholder: "<slug or id>",
    help: "Only deployments of this project.",
    schema: textSchema(),
  }),
  environment: { ...ENVIRONMENT_FILTER_FIELD, help: "Only deployments of this environment." },
  cron: field({
    flag: "cron",
    env: "UNKEY_LIST_CRON",
    placeholder: "<name>",
    help: "With runs: only those of this cron.",
    schema: textSchema(),
  }),
  ...limitFields({ help: "Most deployments to list.", count: 20, countMax: 1_000 }),
  json: JSON_FIELD,
};
type ListConfig = ConfigOf<typeof FIELDS>;

const LISTS: Readonly<
  Record<string, (connection: Connection, config: ListConfig, process: Process) => Promise<void>>
> = {
  deployments: listDeployments,
  projects: listProjects,
  switches: listSwitches,
  runs: listRuns,
  crons: listCrons,
};

/** `unkey list [deployments|projects|switches|runs|crons]` */
export const command = defineCommand({
  outcome: "output",
  fields: FIELDS,
  positionals: [{
    name: "what",
    help:
      "deployments (the default), projects, switches: the moves of live traffic with their receipts, runs: commands of " +
      '"unkey run" and of crons, or crons: commands that run by the clock.',
    required: false,
    choices: [...Object.keys(LISTS)],
  }],
  async run({ config, positionals: [what = "deployments"] }, process) {
    const list = LISTS[what];
    if (list === undefined) {
      const words = Object.keys(LISTS).map((each) => `"unkey list ${each}"`).join(", ");
      throw new UsageError(`"${what}" cannot be listed: it is one of ${words}.`);
    }
    if (config.cron !== undefined && what !== "runs") {
      throw new UsageError(`--cron chooses runs: leave it out, or "unkey list runs --cron ${config.cron}".`);
    }
    const connection = await connect(config, process);
    await calling(connection, () => list(connection, config, process));
  },
});

async function listDeployments(connection: Connection, config: ListConfig, process: Process): Promise<void> {
  const { rows: deployments, nextPageToken } = await readDeployments(connection, config, process.signal);
  if (config.json) {
    const next = nextPageToken === "" ? {} : { nextPageToken };
    return process.stdout(jsonLine({ deployments: deployments.map(deploymentJson), ...next }));
  }
  if (deployments.length === 0) {
    return process.stderr('No deployments. "unkey deploy" makes the first one.\n');
  }
  const now = process.clock.now();
  process.stdout(table(
    ["ID", "PROJECT", "ENV", "BRANCH", "STATUS", "LIVE", "AGE", "URL"],
    deployments.map((each) => [
      each.id,
      each.projectSlug,
      each.environmentSlug,
      each.gitBranch,
      statusText(each),
      each.live ? "live" : "",
      age(Number(each.createdAt), now),
      each.urls[0] ?? "",
    ]),
  ));
  if (nextPageToken !== "") process.stderr("There are more: --limit shows them.\n");
}

async function readDeployments(
  connection: Connection,
  config: ListConfig,
  signal: AbortSignal,
): Promise<Page<Deployment>> {
  const { project, environment = "", limit, pageToken } = config;
  const client = createRpcClient(DeploymentService, connection);
  const projectId = project === undefined ? "" : (await findProject(connection, project, signal)).id;
  return await readPages({ limit, pageToken, pageSizeMax: PAGE_MAX }, async (page) => {
    const request = { projectId, environmentSlug: environment, ...page };
    const { deployments, nextPageToken } = await client.listDeployments(request, { signal });
    return { rows: deployments, nextPageToken };
  });
}

async function listSwitches(connection: Connection, config: ListConfig, process: Process): Promise<void> {
  const { project, environment = "", limit, pageToken } = config;
  const { signal, stdout, stderr, clock } = process;
  const client = createRpcClient(DeploymentService, connection);
  const projectId = project === undefined ? "" : (await findProject(connection, project, signal)).id;
  const found = await readPages({ limit, pageToken, pageSizeMax: PAGE_MAX }, async (page) => {
    const request = { projectId, environmentSlug: environment, ...page };
    const { switches, nextPageToken } = await client.listSwitches(request, { signal });
    return { rows: switches, nextPageToken };
  });
  const switches = found.rows.map(receiptJson);
  const { nextPageToken } = found;
  if (config.json) {
    return stdout(jsonLine({ switches, ...(nextPageToken === "" ? {} : { nextPageToken }) }));
  }
  if (switches.length === 0) return stderr("No live traffic has moved yet.\n");
  stdout(switchesTable(switches, clock.now()));
  if (nextPageToken !== "") stderr("There are more: --limit shows them.\n");
}

async function listRuns(connection: Connection, config: ListConfig, process: Process): Promise<void> {
  const { project, environment: environmentSlug = "", cron = "", limit, pageToken } = config;
  const { signal, stdout, stderr, clock } = process;
  const client = createRpcClient(DeploymentService, connection);
  const projectId = project === undefined ? "" : (await findProject(connection, project, signal)).id;
  const { rows, nextPageToken } = await readPages(
    { limit, pageToken, pageSizeMax: PAGE_MAX },
    async (page) => {
      const request = { projectId, environmentSlug, cron, ...page };
      const { runs, nextPageToken } = await client.listRuns(request, { signal });
      return { rows: runs, nextPageToken };
    },
  );
  if (config.json) {
    return stdout(jsonLine({ runs: rows.map(runJson), ...(nextPageToken === "" ? {} : { nextPageToken }) }));
  }
  if (rows.length === 0) return stderr('No runs. "unkey run" makes one.\n');
  stdout(runsTable(rows, clock.now()));
  if (nextPageToken !== "") stderr("There are more: --limit shows them.\n");
}

async function listCrons(connection: Connection, config: ListConfig, process: Process): Promise<void> {
  const { project, environment: environmentSlug = "", limit, pageToken } = config;
  const { signal, stdout, stderr, clock } = process;
  const client = createRpcClient(CronService, connection);
  const projectId = project === undefined ? "" : (await findProject(connection, project, signal)).id;
  const { rows, nextPageToken } = await readPages(
    { limit, pageToken, pageSizeMax: PAGE_MAX },
    async (page) => {
      const { crons, nextPageToken } = await client.listCrons({ projectId, environmentSlug, ...page }, {
        signal,
      });
      return { rows: crons, nextPageToken };
    },
  );
  if (config.json) {
    const next = nextPageToken === "" ? {} : { nextPageToken };
    return stdout(jsonLine({ crons: rows.map(cronJson), ...next }));
  }
  if (rows.length === 0) {
    return stderr('No crons. "crons" in unkey.json brings some with the next deploy of an environment.\n');
  }
  stdout(cronsTable(rows, clock.now()));
  if (nextPageToken !== "") stderr("There are more: --limit shows them.\n");
}

async function listProjects(connection: Connection, config: ListConfig, process: Process): Promise<void> {
  const { signal, stdout, stderr, clock } = process;
  const { projects } = await createRpcClient(AdminService, connection).listProjects({}, { signal });
  if (config.json) {
    return stdout(jsonLine({
      projects: projects.map(({ id, slug, name, defaultBranch, liveDeploymentId, createdAt }) => ({
        id,
        slug,
        name,
        defaultBranch,
        ...(liveDeploymentId === "" ? {} : { liveDeploymentId }),
        createdAt: Number(createdAt),
      })),
    }));
  }
  if (projects.length === 0) return stderr("No projects that this root key may read.\n");
  const now = clock.now();
  stdout(table(
    ["PROJECT", "ID", "BRANCH", "LIVE DEPLOYMENT", "AGE"],
    projects.map((each) => [
      each.slug,
      each.id,
      each.defaultBranch,
      each.liveDeploymentId,
      age(Number(each.createdAt), now),
    ]),
  ));
}
