/** `unkey init`: writes `unkey.json`, so that later commands need no flags. */
import { writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { defineCommand, type Process, UsageError } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, switchField, textSchema } from "../../pkg/config/mod.ts";
import { isFault, publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService, type Project } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling, connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { YES_FIELD } from "../shared/confirm.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { PROJECT_FILE } from "../shared/project_file.ts";
import { parseProjectFile } from "../shared/project_file/parse.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";

const FIELDS = {
  ...CONNECT_FIELDS,
  project: field({
    flag: "project",
    env: "UNKEY_PROJECT",
    placeholder: "<slug or id>",
    help: "The project. Default: called like the folder.",
    schema: textSchema(),
  }),
  create: switchField({
    flag: "create",
    env: "UNKEY_INIT_CREATE",
    help: "Create the project if there is none, without asking.",
  }),
  yes: { ...YES_FIELD, help: "The same as --create." },
  environment: { ...ENVIRONMENT_FILTER_FIELD, help: "Environment that deploys go to." },
  dockerfile: field({
    flag: "dockerfile",
    env: "UNKEY_DOCKERFILE",
    placeholder: "<path>",
    help: "Dockerfile, relative to the folder; it may be outside of it.",
    schema: textSchema(),
  }),
  port: field({
    flag: "port",
    env: "UNKEY_APP_PORT",
    placeholder: "<port>",
    help: "Port that the app listens on.",
    schema: optionalPort(),
  }),
  healthCheckPath: field({
    flag: "health-check-path",
    env: "UNKEY_HEALTH_CHECK_PATH",
    placeholder: "<url-path>",
    help: "HTTP path that answers 2xx or 3xx when the app is healthy.",
    schema: z.string().regex(/^\/[\x21-\x7e]*$/, 'must be a path that begins with "/"').optional(),
  }),
  force: switchField({
    flag: "force",
    env: "UNKEY_INIT_FORCE",
    help: "Replace an unkey.json that is there.",
  }),
  json: JSON_FIELD,
};
type InitConfig = ConfigOf<typeof FIELDS>;

const SLUG_CHARACTERS_MAX = 63;

/** `unkey init [folder]` */
export const command = defineCommand({
  fields: FIELDS,
  positionals: [{ name: "folder", help: "Folder of the project. Default: this one.", required: false }],
  notes:
    `unkey.json holds project, environment, context, dockerfile, port, healthCheckPath and build. It may have comments, and
is edited by hand:
  "context": "../..",  // the folder to build, when the app copies files from above; paths are relative to unkey.json
  "build": {"args": {"NODE_VERSION": "22"}, "secrets": {"NPM_TOKEN": {"env": "NPM_TOKEN"}}, "target": "prod",
            "noCache": false, "pull": true, "platform": "linux/amd64", "variables": ["NEXT_PUBLIC_URL"]}
A secret comes from a variable, or from a file: {"file": "path"}. Commands take the unkey.json of the current folder, or
the nearest one above it in the repository. Flags and variables go before it, and settings that it lacks have their
defaults.`,
  async run({ config, positionals: [folder = "."] }, process) {
    const path = join(resolve(process.cwd, folder), PROJECT_FILE);
    const { project, created, known } = await findOrCreate(config, resolve(process.cwd, folder), process);
    const { environment, dockerfile, port, healthCheckPath } = config;
    const text = `${JSON.stringify({ project, environment, dockerfile, port, healthCheckPath }, null, 2)}\n`;
    const { settings } = parseProjectFile(path, text);
    await write(path, text, config.force);
    if (config.json) return process.stdout(jsonLine({ path, settings, projectCreated: created }));
    if (created) process.stderr(`created the project ${project}\n`);
    process.stderr(`wrote ${path}\n`);
    if (!known) {
      process.stderr(`   not logged in, so it is not known whether there is a project "${project}"\n`);
    }
    process.stderr('   next: "unkey variables set NAME=value", then "unkey deploy"\n');
  },
});

interface Found {
  /** Slug or id, as the file is to say it. */
  readonly project: string;
  readonly created: boolean;
  /** False without a login: the control plane was not asked for the project. */
  readonly known: boolean;
}

async function findOrCreate(config: InitConfig, folder: string, process: Process): Promise<Found> {
  const project = config.project ?? slugOf(basename(folder));
  if (project === "") {
    throw publicFault("invalid_argument", "The folder's name makes no project: give --project.");
  }
  const connection = await connect(config, process).catch((error: unknown) => {
    if (isFault(error, "unauthenticated") && !config.create && !config.yes) return undefined;
    throw error;
  });
  if (connection === undefined) return { project, created: false, known: false };
  return await calling(connection, () => ensureProject({ config, project, connection }, process));
}

async function ensureProject(
  { config, project, connection }: {
    readonly config: InitConfig;
    readonly project: string;
    readonly connection: Connection;
  },
  { prompts, signal }: Process,
): Promise<Found> {
  const admin = createRpcClient(AdminService, connection);
  const { projects } = await admin.listProjects({}, { signal });
  if (projects.some(({ id, slug }) => id === project || slug === project)) {
    return { project, created: false, known: true };
  }
  if (!config.create && !config.yes) await askToCreate(project, projects, prompts);
  await admin.createProject({ slug: project }, { signal });
  return { project, created: true, known: true };
}

/** @throws `UsageError` without a terminal, `not_found` when the answer is no */
async function askToCreate(
  project: string,
  projects: readonly Project[],
  prompts: Process["prompts"],
): Promise<void> {
  const message = `There is no project "${project}" yet. Create it?`;
  if (await prompts?.confirm({ message, initial: true }) === true) return;
  const there = projects.length === 0 ? "none yet" : projects.map(({ slug }) => slug).sort().join(", ");
  const text =
    `There is no project "${project}" in your workspace: --create makes it, --project names another. Yours: ${there}.`;
  throw prompts === undefined ? new UsageError(text) : publicFault("not_found", text);
}

/** The folder's name as the slug of a project; empty when nothing of it can be used. */
function slugOf(name: string): string {
  const slug = name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+/, "");
  return slug.slice(0, SLUG_CHARACTERS_MAX).replace(/(?<!-)-+$/, "");
}

async function write(path: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: force ? "w" : "wx" });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") {
      throw publicFault(
        "already_exists",
        `${path} is there already: edit it, or replace it with --force.`,
        error,
      );
    }
    const why = error instanceof Error ? error.message : String(error);
    throw publicFault("failed_precondition", `${path} cannot be written: ${why}`, error);
  }
}

function optionalPort(): z.ZodType<number | undefined> {
  return z.string().optional().transform((raw, context): number | undefined => {
    if (raw === undefined) return undefined;
    const port = /^\d{1,5}$/.test(raw) ? Number(raw) : 0;
    if (port >= 1 && port <= 65_535) return port;
    context.addIssue({ code: "custom", message: "must be a whole number between 1 and 65535" });
    return z.NEVER;
  });
}
