import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import { EXIT, type ExitCode, type Process, toFailure } from "../../../pkg/cli/mod.ts";
import { fromConnectError } from "../../../pkg/rpc/mod.ts";
import { newSecretToken } from "../../../pkg/uid/mod.ts";
import {
  CreateDeploymentRequestSchema,
  type Deployment,
  type DeploymentEvent,
  type DeploymentService,
  DeploymentStatus,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { withAdvice } from "../connect.ts";
import { statusName } from "../deployment_view.ts";
import { DEPLOY_EXIT, exitCodeOfFailure } from "./exit_codes.ts";
import { findLive } from "./find_live.ts";
import { follow } from "./follow.ts";
import { askToCancel, leftRunning, rolledBackTo } from "./interrupt.ts";
import { patiently } from "../retry_while_unavailable.ts";
import type { Report } from "./report.ts";
import { DeployFailure, type DeployResult, type End, endedWith, type Timings } from "./result.ts";

export type Deployments = Client<typeof DeploymentService>;

/** How an attempt behaves. */
export interface AttemptOptions {
  readonly process: Process;
  readonly report: Report;
  readonly waitSeconds: number;
  /** End as soon as the deployment is created. */
  readonly detach: boolean;
  /** Whether Ctrl-C asks, when somebody is there to answer. */
  readonly ask: boolean;
}

/** How long a cancelled deployment may take to undo what it created before we stop watching. */
const CANCEL_MS_MAX = 60_000;

/** One deployment from its creation to its end; what happened so far is kept, so that a failure can tell. */
export class Attempt {
  readonly timings: Timings = {};
  /** Where the control plane is, once that is known. */
  baseUrl = "";
  project: string | null = null;
  environment: string;
  readonly #options: AttemptOptions;
  readonly #process: Process;
  readonly #report: Report;
  readonly #cursor = { sequence: 0n };
  readonly #begun = new Map<string, number>();
  #id = "";

  constructor(environment: string, options: AttemptOptions) {
    this.environment = environment;
    this.#options = options;
    this.#process = options.process;
    this.#report = options.report;
  }

  /** Lets `begin` make the deployment and follows it. Never throws: every end is a result. */
  async execute(begin: () => Promise<Deployments>): Promise<DeployResult> {
    const { clock } = this.#process;
    const begun = clock.now();
    const end = await this.#run(begin).catch((error: unknown) => this.#failed(error));
    this.timings.totalMs = clock.now() - begun;
    return {
      id: this.#id === "" ? null : this.#id,
      ...end,
      environment: this.environment,
      project: this.project,
      timings: this.timings,
    };
  }

  /**
   * Repeats a create that got no answer: its key makes all of them one deployment. Ctrl-C does not break off a call
   * that is under way, or nobody would know whether there is a deployment.
   */
  async create(
    client: Deployments,
    request: MessageInitShape<typeof CreateDeploymentRequestSchema>,
  ): Promise<void> {
    const { clock } = this.#process;
    const begun = clock.now();
    const keyed = create(CreateDeploymentRequestSchema, request);
    keyed.idempotencyKey = newSecretToken("deploy");
    const { deploymentId } = await patiently(this.#process, () => client.createDeployment(keyed));
    this.#id = deploymentId;
    this.timings.createMs = clock.now() - begun;
    this.#report.done(`created ${deploymentId}`, this.timings.createMs);
  }

  async #run(begin: () => Promise<Deployments>): Promise<End> {
    const client = await begin();
    if (this.#options.detach) return { status: "pending", urls: [], exitCode: EXIT.ok };
    return await this.#wait(client);
  }

  async #wait(client: Deployments): Promise<End> {
    const { signal } = this.#process;
    const { waitSeconds, ask } = this.#options;
    const limitMs = waitSeconds * 1000;
    try {
      return await this.#follow(client, limitMs, signal);
    } catch (error) {
      this.#report.idle();
      if (error instanceof WaitOver) {
        const left = `The deployment did not end within ${waitSeconds} s and goes on: ` +
          `"unkey status ${this.#id}" shows how far it is.`;
        return endedWith("running", { code: "still_running", message: left, exitCode: DEPLOY_EXIT.running });
      }
      if (!signal.aborted) throw error;
    }
    const interrupted = await askToCancel({
      client,
      deploymentId: this.#id,
      process: this.#process,
      ask,
    });
    if (interrupted.kind === "goes_on") return leftRunning(this.#id);
    if (interrupted.kind === "rolled_back") return rolledBackTo(interrupted.toDeploymentId);
    this.#report.busy("cancelling");
    try {
      return await this.#follow(client, CANCEL_MS_MAX, undefined);
    } catch (error) {
      if (!(error instanceof WaitOver)) throw error;
      const message = `The deployment is being cancelled: "unkey status ${this.#id}" shows how far it is.`;
      return endedWith("running", { code: "cancelling", message, exitCode: DEPLOY_EXIT.cancelled });
    }
  }

  /** @throws `WaitOver` after `limitMs` */
  async #follow(client: Deployments, limitMs: number, stop: AbortSignal | undefined): Promise<End> {
    const { clock } = this.#process;
    const [limit, done] = [new AbortController(), new AbortController()];
    const timer = clock.sleep(limitMs, done.signal).then(() => limit.abort(), () => undefined);
    const signal = stop === undefined ? limit.signal : AbortSignal.any([stop, limit.signal]);
    try {
      const deployment = await follow({
        client,
        deploymentId: this.#id,
        clock,
        cursor: this.#cursor,
        signal,
        onEvent: (event) => this.#onEvent(event),
        onTrouble: (message) => this.#report.line(`   ${message}`),
      });
      return await this.#ended(client, deployment, signal);
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
      if (since !== undefined) this.timings.deployMs = at - since;
    }
    if (payload.case !== "step") return;
    const { name, status } = payload.value;
    if (status === "running") this.#begun.set(name, at);
    const since = this.#begun.get(name);
    if (name === "building" && status !== "running" && since !== undefined) {
      this.timings.buildMs = at - since;
    }
  }

  async #ended(client: Deployments, deployment: Deployment, signal: AbortSignal): Promise<End> {
    const { status, urls, errorMessage, failureCode } = deployment;
    const name = statusName(status);
    if (status === DeploymentStatus.READY) {
      this.#report.done("ready");
      return { status: name, urls, exitCode: EXIT.ok };
    }
    const code = failureCode === "" ? name : failureCode;
    const message = errorMessage === "" ? ENDINGS[name] ?? `The deployment is ${name}.` : errorMessage;
    const end = endedWith(name, { code, message, exitCode: exitCodeOfFailure(code, EXIT.failed) });
    const live = await findLive(client, deployment, signal);
    return live === undefined ? end : { ...end, live };
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
    return toFailure(remote ? withAdvice(fromConnectError(error), this.baseUrl) : error);
  }
}

/** The time to wait is over. */
class WaitOver extends Error {
  override readonly name = "WaitOver";
}

const ENDINGS: Readonly<Record<string, string>> = {
  cancelled: "The deployment was cancelled. What it had created is gone.",
  superseded: "A newer deployment of the same environment took its place.",
  stopped: "The deployment was stopped after it was ready.",
};
