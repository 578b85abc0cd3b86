import { basename } from "node:path";
import { type Commit, readCommit } from "../../pkg/git/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { UploadService } from "../../proto/gen/ctrl/v1/upload_pb.ts";
import { connect } from "../shared/connect.ts";
import { createOnce } from "../shared/deploying/create_once.ts";
import { followSettings } from "../shared/deploying/follow_fields.ts";
import { CREATED, DeployOutcome } from "../shared/deploying/outcome.ts";
import type { DeployResult } from "../shared/deploying/result.ts";
import { appOf } from "../shared/app_fields.ts";
import { gradualOf } from "../shared/gradual_fields.ts";
import { sizeOf } from "../shared/size_fields.ts";
import { waitForEnd } from "../shared/deploying/wait_for_end.ts";
import { oneLine } from "../shared/output.ts";
import { resolveProject } from "../shared/resolve_project.ts";
import { retryWhileUnavailable } from "../shared/retry_while_unavailable.ts";
import type { DeployOptions } from "./config.ts";
import { prepareSource, readSource } from "./source.ts";

/** Deploys the folder, or the image that the settings name. Never throws: every end is a result. */
export async function runDeploy(options: DeployOptions): Promise<DeployResult> {
  const { config, place, process, report } = options;
  const { env, signal } = process;
  const { wait, ...limits } = followSettings(config);
  const outcome = new DeployOutcome(config.environment, process);
  const { timings, warnings, trace } = outcome;
  try {
    const gradual = gradualOf(config);
    const source = await readSource(options);
    const connection = await connect(config, process);
    outcome.baseUrl = connection.baseUrl;
    report.busy("connecting");
    const [project, commit] = await trace.during("connect", () =>
      Promise.all([
        findProject(options, createRpcClient(AdminService, connection)),
        readCommit(place.folder, { env, signal }),
      ]));
    outcome.project = project.slug;
    report.idle();
    if (commit !== undefined) report.line(`   ${describeCommit(commit)}`);
    const client = createRpcClient(DeploymentService, connection);
    const uploads = createRpcClient(UploadService, connection);
    const sent = await prepareSource(source, {
      client: uploads,
      authority: connection.authority,
      projectId: project.id,
      process,
      report,
      timings,
      trace,
      warnings,
    });
    const [size, app] = [sizeOf(config), appOf(config)];
    const deploymentId = await createOnce({ client, process, report, timings, trace }, {
      projectId: project.id,
      branch: config.branch ?? commit?.branch ?? "",
      environmentSlug: config.environment,
      source: sent,
      ...(commit === undefined ? {} : { gitCommit: gitCommit(commit) }),
      ...(size === undefined ? {} : { size }),
      protocol: config.protocol === "http1" ? "" : config.protocol,
      ...(app === undefined ? {} : { app }),
      ...(gradual === undefined ? {} : { gradual }),
    });
    outcome.deploymentId = deploymentId;
    if (wait === "none") return outcome.ended(CREATED);
    const following = { client, deploymentId, process, report, timings, wait, ...limits };
    return outcome.ended(await waitForEnd(following));
  } catch (error) {
    return outcome.failed(error);
  }
}

function findProject(
  { config, place, process }: DeployOptions,
  admin: Parameters<typeof resolveProject>[0],
): ReturnType<typeof resolveProject> {
  const hints = { given: config.project, folder: basename(place.home) };
  return retryWhileUnavailable(process, () => resolveProject(admin, hints, process.signal));
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
