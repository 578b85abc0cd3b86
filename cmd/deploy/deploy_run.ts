import { basename } from "node:path";
import type { Process } from "../../pkg/cli/mod.ts";
import type { ConfigOf } from "../../pkg/config/mod.ts";
import { type Commit, readCommit } from "../../pkg/git/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { connect, type Connection } from "../shared/connect.ts";
import { oneLine } from "../shared/output.ts";
import { Attempt, type Deployments } from "../shared/deploying/attempt.ts";
import { type ReadBuild, readBuildSettings } from "./build_settings.ts";
import type { DEPLOY_FIELDS } from "./config.ts";
import { patiently } from "../shared/retry_while_unavailable.ts";
import type { Report } from "../shared/deploying/report.ts";
import type { DeployResult } from "../shared/deploying/result.ts";
import { checkFolder, sendFolder } from "./source.ts";
import { resolveProject } from "../shared/resolve_project.ts";

type DeployConfig = ConfigOf<typeof DEPLOY_FIELDS>;

/** What a deploy is made from. */
export interface DeployOptions {
  readonly config: DeployConfig;
  /** Absolute. */
  readonly folder: string;
  readonly process: Process;
  readonly report: Report;
}

/** Deploys the folder, or the image that the settings name. Never throws: every end is a result. */
export async function runDeploy(options: DeployOptions): Promise<DeployResult> {
  const { config, process, report } = options;
  const { waitSeconds, detach, yes, noInput } = config;
  const attempt = new Attempt(config.environment, {
    process,
    report,
    waitSeconds,
    detach,
    ask: !yes && !noInput,
  });
  return await attempt.execute(() => begin(options, attempt));
}

async function begin(
  { config, folder, process, report }: DeployOptions,
  attempt: Attempt,
): Promise<Deployments> {
  const { signal, cwd, env } = process;
  const { image } = config;
  const build = image === undefined
    ? {
      dockerfile: await checkFolder({ folder, dockerfile: config.dockerfile, cwd }),
      ...await readBuildSettings(config, process),
    }
    : undefined;
  for (const note of build?.notes ?? []) report.note(note);
  const connection = await connect(config, process);
  attempt.baseUrl = connection.baseUrl;
  report.busy("connecting");
  const [project, commit] = await Promise.all([
    findProject({ config, folder, process }, connection),
    readCommit(folder, { env, signal }),
  ]);
  attempt.project = project.slug;
  report.idle();
  if (commit !== undefined) report.line(`   ${describeCommit(commit)}`);
  const client = createRpcClient(DeploymentService, connection);
  const projectId = project.id;
  const source = build === undefined
    ? { case: "dockerImage", value: image ?? "" } as const
    : await send({ client, projectId, folder, ...build, process, report, timings: attempt.timings });
  await attempt.create(client, {
    projectId,
    branch: config.branch ?? commit?.branch ?? "",
    environmentSlug: config.environment,
    source,
    ...(commit === undefined ? {} : { gitCommit: gitCommit(commit) }),
    port: config.port,
    healthCheckPath: config.healthCheckPath,
  });
  return client;
}

async function findProject(
  { config, folder, process }: Pick<DeployOptions, "config" | "folder" | "process">,
  connection: Connection,
): ReturnType<typeof resolveProject> {
  const admin = createRpcClient(AdminService, connection);
  const hints = { given: config.project, folder: basename(folder) };
  return await patiently(process, () => resolveProject(admin, hints));
}

async function send(options: Parameters<typeof sendFolder>[0] & Pick<ReadBuild, "settings">) {
  const buildContextPath = await sendFolder(options);
  const { settings, dockerfile: { name, content } } = options;
  return {
    case: "buildContext",
    value: { buildContextPath, dockerfilePath: name, dockerfile: content, settings },
  } as const;
}

function describeCommit({ branch, sha, subject, dirty }: Commit): string {
  const where = branch === undefined ? "" : `${branch} `;
  return oneLine(
    `${where}${sha.slice(0, 12)} ${subject}${dirty ? " (with changes that are not committed)" : ""}`,
  );
}

function gitCommit({ sha, subject, author, committedAtMs }: Commit) {
  return {
    commitSha: sha,
    commitMessage: subject,
    authorHandle: author,
    authorAvatarUrl: "",
    timestamp: BigInt(committedAtMs),
  };
}
