import { basename } from "node:path";
import type { Client } from "@connectrpc/connect";
import { EXIT, type ExitCode, type Process, toFailure } from "../../pkg/cli/mod.ts";
import type { ConfigOf } from "../../pkg/config/mod.ts";
import { type Commit, readCommit } from "../../pkg/git/mod.ts";
import { createRpcClient, fromConnectError } from "../../pkg/rpc/mod.ts";
import { newSecretToken } from "../../pkg/uid/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  type Deployment,
  type DeploymentEvent,
  DeploymentService,
  DeploymentStatus,
} from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { connect, type Connection, withAdvice } from "../shared/connect.ts";
import { statusName } from "../shared/deployment_view.ts";
import { oneLine } from "../shared/output.ts";
import type { DEPLOY_FIELDS } from "./config.ts";
import { DEPLOY_EXIT, exitCodeOfFailure } from "./exit_codes.ts";
import { follow } from "./follow.ts";
import { askToCancel, leftRunning } from "./interrupt.ts";
import { patiently } from "./patiently.ts";
import type { Report } from "./report.ts";
import { DeployFailure, type DeployResult, type End, endedWith, type Timings } from "./result.ts";
import { checkFolder, configuredProject, sendFolder } from "./source.ts";
import { resolveProject } from "./target.ts";

type DeployConfig = ConfigOf<typeof DEPLOY_FIELDS>;
type Deployments = Client<typeof DeploymentService>;

/** How long a cancelled deployment may take to undo what it created before we stop watching. */
const CANCEL_MS_MAX = 60_000;

/** One deploy from its folder to its result; what happened so far is kept, so that a failure can tell. */
export class DeployRun {
  readonly #config: DeployConfig;
  readonly #folder: string;
  readonly #process: Process;
  readonly #report: Report;
  readonly #timings: Timings = {};
  readonly #cursor = { sequence: 0n };
  readonly #begun = new Map<string, number>();
  #id = "";
  #project: string | null = null;
  #baseUrl = "";

  constructor(config: DeployConfig, folder: string, process: Process, report: Report) {
    this.#config = config;
    this.#folder = folder;
    this.#process = process;
    this.#report = report;
  }

  /** Never throws: every end is a result. */
  async execute(): Promise<DeployResult> {
    const { clock } = this.#process;
    const begun = clock.now();
    const end = await this.#deploy().catch((error: unknown) => this.#failed(error));
    this.#timings.totalMs = clock.now() - begun;
    return {
      id: this.#id === "" ? null : this.#id,
      ...end,
      environment: this.#config.environment,
      project: this.#project,
      timings: this.#timings,
    };
  }

  async #deploy(): Promise<End> {
    const { signal, cwd, env } = this.#process;
    const { image } = this.#config;
    const dockerfile = image === undefined
      ? await checkFolder({ folder: this.#folder, dockerfile: this.#config.dockerfile, cwd })
      : "";
    const connection = await connect(this.#config, this.#process);
    this.#baseUrl = connection.baseUrl;
    this.#report.busy("connecting");
    const [projectId, commit] = await Promise.all([
      this.#resolve(connection),
      readCommit(this.#folder, { env, signal }),
    ]);
    this.#report.idle();
    if (commit !== undefined) this.#report.line(`   ${describeCommit(commit)}`);
    const client = createRpcClient(DeploymentService, connection);
    const source = image === undefined
      ? await this.#send(client, projectId, dockerfile)
      : { case: "dockerImage", value: image } as const;
    await this.#create(client, projectId, source, commit);
    if (this.#config.detach) return { status: "pending", urls: [], exitCode: EXIT.ok };
    return await this.#wait(client);
  }

  async #resolve(connection: Connection): Promise<string> {
    const configured = this.#config.image === undefined ? await configuredProject(this.#folder) : undefined;
    const hints = { given: this.#config.project, configured, folder: basename(this.#folder) };
    const admin = createRpcClient(AdminService, connection);
    const { id, slug } = await patiently(this.#process, () => resolveProject(admin, hints));
    this.#project = slug;
    return id;
  }

  async #send(client: Deployments, projectId: string, dockerfile: string): Promise<Source> {
    const buildContextPath = await sendFolder({
      client,
      projectId,
      folder: this.#folder,
      dockerfile,
      process: this.#process,
      report: this.#report,
      timings: this.#timings,
    });
    return { case: "buildContext", value: { buildContextPath, dockerfilePath: dockerfile } };
  }

  /**
   * Repeats a create that got no answer: its key makes all of them one deployment. Ctrl-C does not break off a call
   * that is under way, or nobody would know whether there is a deployment.
   */
  async #create(
    client: Deployments,
    projectId: string,
    source: Source,
    commit: Commit | undefined,
  ): Promise<void> {
    const { clock } = this.#process;
    const begun = clock.now();
    const request = {
      projectId,
      branch: this.#config.branch ?? commit?.branch ?? "",
      environmentSlug: this.#config.environment,
      source,
      ...(commit === undefined ? {} : { gitCommit: gitCommit(commit) }),
      port: this.#config.port,
      healthCheckPath: this.#config.healthCheckPath,
      idempotencyKey: newSecretToken("deploy"),
    };
    const { deploymentId } = await patiently(this.#process, () => client.createDeployment(request));
    this.#id = deploymentId;
    this.#timings.createMs = clock.now() - begun;
    this.#report.done(`created ${deploymentId}`, this.#timings.createMs);
  }

  async #wait(client: Deployments): Promise<End> {
    const { signal } = this.#process;
    const { waitSeconds, yes, noInput } = this.#config;
    const limitMs = waitSeconds * 1000;
    try {
      return this.#ended(await this.#follow(client, limitMs, signal));
    } catch (error) {
      this.#report.idle();
      if (error instanceof WaitOver) {
        const left = `The deployment did not end within ${waitSeconds} s and goes on: ` +
          `"unkey status ${this.#id}" shows how far it is.`;
        return endedWith("running", { code: "still_running", message: left, exitCode: DEPLOY_EXIT.running });
      }
      if (!signal.aborted) throw error;
    }
    const cancelling = await askToCancel({
      client,
      deploymentId: this.#id,
      process: this.#process,
      ask: !yes && !noInput,
    });
    if (!cancelling) return leftRunning(this.#id);
    this.#report.busy("cancelling");
    try {
      return this.#ended(await this.#follow(client, CANCEL_MS_MAX, undefined));
    } catch (error) {
      if (!(error instanceof WaitOver)) throw error;
      const message = `The deployment is being cancelled: "unkey status ${this.#id}" shows how far it is.`;
      return endedWith("running", { code: "cancelling", message, exitCode: DEPLOY_EXIT.cancelled });
    }
  }

  /** @throws `WaitOver` after `limitMs` */
  async #follow(client: Deployments, limitMs: number, stop: AbortSignal | undefined): Promise<Deployment> {
    const { clock } = this.#process;
    const [limit, done] = [new AbortController(), new AbortController()];
    const timer = clock.sleep(limitMs, done.signal).then(() => limit.abort(), () => undefined);
    try {
      return await follow({
        client,
        deploymentId: this.#id,
        clock,
        cursor: this.#cursor,
        signal: stop === undefined ? limit.signal : AbortSignal.any([stop, limit.signal]),
        onEvent: (event) => this.#onEvent(event),
        onTrouble: (message) => this.#report.line(`   ${message}`),
      });
    } catch (error) {
      throw limit.signal.aborted ? new WaitOver() : error;
    } finally {
      done.abort();
      await timer;
    }
  }

  #onEvent(event: DeploymentEvent): void {
    this.#report.event(event);
    const { createdAt, payload } = event;
    const at = Number(createdAt);
    if (payload.case === "status" && payload.value.status === DeploymentStatus.READY) {
      const since = this.#begun.get("deploying");
      if (since !== undefined) this.#timings.deployMs = at - since;
    }
    if (payload.case !== "step") return;
    const { name, status } = payload.value;
    if (status === "running") this.#begun.set(name, at);
    const since = this.#begun.get(name);
    if (name === "building" && status !== "running" && since !== undefined) {
      this.#timings.buildMs = at - since;
    }
  }

  #ended({ status, urls, errorMessage, failureCode }: Deployment): End {
    const name = statusName(status);
    if (status === DeploymentStatus.READY) {
      this.#report.done("ready");
      return { status: name, urls, exitCode: EXIT.ok };
    }
    const code = failureCode === "" ? name : failureCode;
    const message = errorMessage === "" ? ENDINGS[name] ?? `The deployment is ${name}.` : errorMessage;
    return endedWith(name, { code, message, exitCode: exitCodeOfFailure(code, EXIT.failed) });
  }

  #failed(error: unknown): End {
    const status = this.#id === "" ? "failed" : "running";
    if (this.#process.signal.aborted) {
      if (this.#id !== "") return leftRunning(this.#id);
      const message = "Interrupted before a deployment was created.";
      return endedWith(status, { code: "interrupted", message, exitCode: EXIT.interrupted });
    }
    const failure = this.#explain(error);
    const goesOn = this.#id === "" ? "" : ` The deployment ${this.#id} may go on.`;
    return endedWith(status, { ...failure, message: `${failure.message}${goesOn}` });
  }

  #explain(error: unknown): { code: string; message: string; exitCode: ExitCode } {
    if (error instanceof DeployFailure) {
      const { code, message } = error;
      return { code, message, exitCode: exitCodeOfFailure(code, EXIT.failed) };
    }
    const remote = error instanceof Error && error.name === "ConnectError";
    return toFailure(remote ? withAdvice(fromConnectError(error), this.#baseUrl) : error);
  }
}

/** The time to wait is over. */
class WaitOver extends Error {
  override readonly name = "WaitOver";
}

type Source =
  | { readonly case: "dockerImage"; readonly value: string }
  | {
    readonly case: "buildContext";
    readonly value: { readonly buildContextPath: string; readonly dockerfilePath: string };
  };

const ENDINGS: Readonly<Record<string, string>> = {
  cancelled:
    "The deployment was cancelled. What it had created is gone, and the previous version keeps serving.",
  superseded: "A newer deployment of the same environment took its place.",
  stopped: "The deployment was stopped after it was ready.",
};

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
