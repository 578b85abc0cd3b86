/** `unkey deploy`: a folder with a Dockerfile, or an image, becomes a URL that serves it. */
import { basename, resolve } from "node:path";
import type { Client } from "@connectrpc/connect";
import { defineCommand, EXIT, type ExitCode, paint, type Process, toFailure } from "../../pkg/cli/mod.ts";
import type { ConfigOf } from "../../pkg/config/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { type Commit, readCommit } from "../../pkg/git/mod.ts";
import { retry } from "../../pkg/retry/mod.ts";
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
import { DEPLOY_FIELDS } from "./config.ts";
import { DEPLOY_EXIT, EXIT_NOTES, exitCodeOfFailure } from "./exit_codes.ts";
import { follow } from "./follow.ts";
import { interrupted } from "./interrupt.ts";
import { Report } from "./report.ts";
import { DeployFailure, type DeployResult, type Timings } from "./result.ts";
import { checkFolder, configuredProject, sendFolder } from "./source.ts";
import { resolveProject } from "./target.ts";

type DeployConfig = ConfigOf<typeof DEPLOY_FIELDS>;

/** `unkey deploy` */
export const command = defineCommand({
  fields: DEPLOY_FIELDS,
  positionals: [{ name: "folder", help: "Folder with the Dockerfile. Default: this one.", required: false }],
  notes: EXIT_NOTES,
  async run({ config, positionals: [folder] }, process): Promise<ExitCode> {
    using report = new Report(process);
    const run = new DeployRun(config, resolve(process.cwd, folder ?? "."), process, report);
    const result = await run.execute();
    report.idle();
    if (result.error !== undefined) {
      process.stderr(`${paint(process).red("error")}: ${result.error.message}\n`);
    }
    if (config.json) process.stdout(`${JSON.stringify(result)}\n`);
    else if (result.error === undefined) { for (const url of result.urls) process.stdout(`${url}\n`); }
    return result.exitCode;
  },
});

/** One deploy from its folder to its result; what happened so far is kept, so that a failure can tell. */
class DeployRun {
  readonly #config: DeployConfig;
  readonly #folder: string;
  readonly #process: Process;
  readonly #report: Report;
  readonly #timings: Timings = {};
  #id: string | undefined;
  #project: string | undefined;
  #baseUrl = "";
  #phase: "prepare" | "upload" | "create" | "wait" = "prepare";

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
      id: this.#id,
      environment: this.#config.environment,
      project: this.#project,
      timings: this.#timings,
      ...end,
    };
  }

  async #deploy(): Promise<End> {
    const { signal } = this.#process;
    if (this.#config.image === undefined) await checkFolder(this.#folder, this.#config.dockerfile);
    const connection = await connect(this.#config, this.#process);
    this.#baseUrl = connection.baseUrl;
    const [project, commit] = await Promise.all([
      this.#resolve(connection),
      readCommit(this.#folder, { env: this.#process.env, signal }),
    ]);
    const client = createRpcClient(DeploymentService, connection);
    const source = await this.#source(client, project);
    await this.#create(client, project, source, commit);
    if (this.#config.detach) return { status: "pending", urls: [], exitCode: EXIT.ok };
    this.#phase = "wait";
    return await this.#wait(client);
  }

  async #resolve(connection: Connection): Promise<string> {
    const admin = createRpcClient(AdminService, connection);
    const { id, slug } = await resolveProject(admin, {
      given: this.#config.project,
      configured: this.#config.image === undefined ? await configuredProject(this.#folder) : undefined,
      folder: basename(this.#folder),
    });
    this.#project = slug;
    return id;
  }

  async #source(client: Client<typeof DeploymentService>, projectId: string): Promise<Source> {
    const { image, dockerfile } = this.#config;
    if (image !== undefined) return { case: "dockerImage", value: image };
    this.#phase = "upload";
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

  /** Repeats a create that got no answer: its key makes all of them one deployment. */
  async #create(
    client: Client<typeof DeploymentService>,
    projectId: string,
    source: Source,
    commit: Commit | undefined,
  ): Promise<void> {
    this.#phase = "create";
    const { clock, signal } = this.#process;
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
    const { deploymentId } = await retry(() => client.createDeployment(request, { signal }), {
      clock,
      signal,
      attemptsMax: 6,
      firstMs: 250,
      maxMs: 4_000,
      retryable: (error) => isFault(fromConnectError(error), "unavailable", "deadline_exceeded"),
    });
    this.#id = deploymentId;
    this.#timings.createMs = clock.now() - begun;
    this.#report.done(`created ${deploymentId}`, this.#timings.createMs);
  }

  async #wait(client: Client<typeof DeploymentService>): Promise<End> {
    const deploymentId = this.#id ?? "";
    const limit = AbortSignal.timeout(this.#config.waitSeconds * 1000);
    const { signal, clock } = this.#process;
    for (;;) {
      try {
        const deployment = await follow({
          client,
          deploymentId,
          clock,
          signal: AbortSignal.any([signal, limit]),
          onEvent: (event) => this.#onEvent(event),
          onTrouble: (message) => this.#report.line(`   ${message}`),
        });
        return this.#ended(deployment);
      } catch (error) {
        this.#report.idle();
        if (limit.aborted) return this.#stillRunning(`It did not end within ${this.#config.waitSeconds} s.`);
        if (!signal.aborted) throw error;
        return await interrupted({ client, deploymentId, process: this.#process, ask: !this.#config.yes });
      }
    }
  }

  readonly #begun = new Map<string, number>();

  #onEvent(event: DeploymentEvent): void {
    this.#report.event(event);
    const { payload } = event;
    const at = Number(event.createdAt);
    if (payload.case === "step" && payload.value.status === "running") {
      this.#begun.set(payload.value.name, at);
    }
    const building = this.#begun.get("building");
    const ended = payload.case === "step" && payload.value.name === "building" &&
      payload.value.status !== "running";
    if (ended && building !== undefined) this.#timings.buildMs = at - building;
    const deploying = this.#begun.get("deploying");
    if (payload.case === "status" && deploying !== undefined) this.#timings.deployMs = at - deploying;
  }

  #ended({ status, urls, errorMessage, failureCode }: Deployment): End {
    const name = DeploymentStatus[status].toLowerCase();
    if (status === DeploymentStatus.READY) {
      this.#report.done("ready");
      return { status: name, urls, exitCode: EXIT.ok };
    }
    const code = failureCode === "" ? name : failureCode;
    const message = errorMessage === "" ? ENDINGS[name] ?? `The deployment is ${name}.` : errorMessage;
    const fallback = status === DeploymentStatus.CANCELLED
      ? DEPLOY_EXIT.cancelled
      : status === DeploymentStatus.SUPERSEDED
      ? DEPLOY_EXIT.superseded
      : EXIT.failed;
    return { status: name, urls: [], error: { code, message }, exitCode: exitCodeOfFailure(code, fallback) };
  }

  #stillRunning(why: string): End {
    const message = `${why} It goes on: "unkey status ${this.#id}" shows how far it is, ` +
      `"unkey logs ${this.#id} --follow" what it prints.`;
    return {
      status: "running",
      urls: [],
      error: { code: "still_running", message },
      exitCode: DEPLOY_EXIT.running,
    };
  }

  #failed(error: unknown): End {
    if (error instanceof DeployFailure) {
      const { code, message } = error;
      return {
        status: "failed",
        urls: [],
        error: { code, message },
        exitCode: exitCodeOfFailure(code, EXIT.failed),
      };
    }
    if (this.#process.signal.aborted) {
      const message = "Interrupted before a deployment was created. Nothing was changed.";
      return {
        status: "failed",
        urls: [],
        error: { code: "cancelled", message },
        exitCode: EXIT.interrupted,
      };
    }
    const known = isConnectError(error) ? withAdvice(fromConnectError(error), this.#baseUrl) : error;
    const { code, message, exitCode } = toFailure(known);
    const fallback = this.#phase === "upload" && exitCode === EXIT.failed ? DEPLOY_EXIT.upload : exitCode;
    return {
      status: "failed",
      urls: [],
      error: { code, message },
      exitCode: exitCodeOfFailure(code, fallback),
    };
  }
}

type End = Pick<DeployResult, "status" | "urls" | "exitCode" | "error">;
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

function gitCommit({ sha, subject, author, committedAtMs }: Commit) {
  return {
    commitSha: sha,
    commitMessage: subject,
    authorHandle: author,
    authorAvatarUrl: "",
    timestamp: BigInt(committedAtMs),
  };
}

function isConnectError(error: unknown): boolean {
  return error instanceof Error && error.name === "ConnectError";
}
