/** A control plane with the answers of a test, and a process that keeps the output of a command. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dispatch, type Process, type Prompts } from "../../pkg/cli/mod.ts";
import { type Clock, systemClock } from "../../pkg/clock/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { serveRpc } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { CronService } from "../../proto/gen/ctrl/v1/cron_pb.ts";
import { CustomDomainService } from "../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import {
  type DeploymentSchema,
  DeploymentService,
  DeploymentStatus,
} from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { OpenApiService } from "../../proto/gen/ctrl/v1/openapi_pb.ts";
import { SessionService } from "../../proto/gen/ctrl/v1/session_pb.ts";
import { UploadService } from "../../proto/gen/ctrl/v1/upload_pb.ts";
import { ROOT } from "../root.ts";

export const ROOT_KEY = "unkey_test";
/** The time for commands: their output does not depend on the machine's clock. */
export const NOW = 1_800_000_000_000;

/** A fake control plane that listens. */
export interface FakeControlPlane extends AsyncDisposable {
  readonly url: string;
  /** Ends all streams and refuses connections from then on. */
  stop(): Promise<void>;
}

/** Its answers; methods that are missing are not implemented. */
export interface FakeAnswers {
  readonly admin?: Partial<ServiceImpl<typeof AdminService>>;
  readonly deployment?: Partial<ServiceImpl<typeof DeploymentService>>;
  readonly environment?: Partial<ServiceImpl<typeof EnvironmentService>>;
  readonly upload?: Partial<ServiceImpl<typeof UploadService>>;
  readonly domain?: Partial<ServiceImpl<typeof CustomDomainService>>;
  readonly openapi?: Partial<ServiceImpl<typeof OpenApiService>>;
  readonly session?: Partial<ServiceImpl<typeof SessionService>>;
  readonly cron?: Partial<ServiceImpl<typeof CronService>>;
}

/** Starts a control plane that knows one root key. */
export async function startControlPlane(answers: FakeAnswers, port = 0): Promise<FakeControlPlane> {
  const {
    admin = {},
    deployment = {},
    environment = {},
    upload = {},
    domain = {},
    openapi = {},
    session = {},
    cron = {},
  } = answers;
  const server = await serveRpc({
    hostname: "127.0.0.1",
    port,
    portSetting: "none",
    log: silentLogger(),
    clock: systemClock(),
    admit: ({ requestHeader, method }) => {
      if (
        method.localName === "exchangeLoginCode" ||
        requestHeader.get("authorization") === `Bearer ${ROOT_KEY}`
      ) return;
      throw publicFault("unauthenticated", "Credentials are missing or not valid.");
    },
    mount: (router) =>
      router.service(AdminService, admin)
        .service(DeploymentService, { listInstances: () => ({ instances: [] }), ...deployment })
        .service(EnvironmentService, environment).service(UploadService, upload)
        .service(CustomDomainService, domain).service(OpenApiService, openapi).service(
          SessionService,
          session,
        ).service(CronService, cron),
    limits: { drainMsMax: 1_000 },
  });
  const stop = (): Promise<void> => server.shutdown();
  return { url: `http://127.0.0.1:${server.port}`, stop, [Symbol.asyncDispose]: stop };
}

/** A ready deployment of the project "shop", with the changes of the test. */
export function deploymentOf(
  changes: MessageInitShape<typeof DeploymentSchema>,
): MessageInitShape<typeof DeploymentSchema> {
  return {
    id: "d_1",
    projectId: "proj_shop",
    projectSlug: "shop",
    environmentSlug: "production",
    gitBranch: "main",
    status: DeploymentStatus.READY,
    createdAt: BigInt(NOW - 180_000),
    updatedAt: BigInt(NOW - 60_000),
    urls: ["http://shop-acme.localhost:7070"],
    ...changes,
  };
}

/** The project that deployments of these tests belong to. */
export const SHOP = {
  id: "proj_shop",
  slug: "shop",
  name: "Shop",
  defaultBranch: "main",
  liveDeploymentId: "d_1",
  createdAt: BigInt(NOW - 2 * 86_400_000),
};

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly prompts?: Prompts;
  readonly signal?: AbortSignal;
  /** The folder it runs in; one that does not exist by default. */
  readonly cwd?: string;
  readonly clock?: Clock;
  /** Where logins are stored; nowhere by default. */
  readonly configDirectory?: string;
  /** Called with each text as it is written. */
  readonly onOutput?: (text: string) => void;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `unkey` in this process, without a terminal. */
export async function unkey(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { env = {}, stdin, prompts, configDirectory = "/nowhere/unkey", onOutput = () => undefined } =
    options;
  let [stdout, stderr] = ["", ""];
  const writeError = (text: string): void => {
    stderr += text;
    onOutput(text);
  };
  const process: Process = {
    args,
    env: (name) => env[name],
    stdout: (text) => {
      stdout += text;
      onOutput(text);
    },
    stderr: writeError,
    log: (line) => writeError(`${line}\n`),
    readStdin: () => Promise.resolve(stdin ?? ""),
    terminal: {
      stdin: prompts !== undefined,
      stdout: false,
      stderr: false,
      colour: false,
      live: false,
      columns: () => 100,
    },
    prompts,
    surviveHangup: () => undefined,
    startedAtMs: NOW,
    keepFilesPrivate: () => undefined,
    signal: options.signal ?? new AbortController().signal,
    clock: options.clock ?? { ...systemClock(), now: () => NOW },
    fetch,
    cwd: options.cwd ?? "/nowhere",
    directories: { config: configDirectory, cache: "/nowhere", data: "/nowhere", temporary: "/nowhere" },
    executable: "/nowhere/unkey",
    buildInfo: () => Promise.resolve(undefined),
  };
  const code = await dispatch(ROOT, process);
  return { code, stdout, stderr };
}

/** The variables that lead a command to `url` with the key that is known there. */
export function access(url: string): Record<string, string> {
  return { UNKEY_API_BASE_URL: url, UNKEY_ROOT_KEY: ROOT_KEY };
}

/** The one JSON object that standard output must hold. */
export function onlyJson({ stdout, stderr }: RunResult): unknown {
  assert.equal(stdout.trim().split("\n").length, 1, `one object expected: ${stdout}\n${stderr}`);
  return JSON.parse(stdout);
}

/** The JSON of a failure without its request id, which the last line of standard error must show, too. */
export function onlyFailure(result: RunResult): unknown {
  const printed = onlyJson(result);
  assert.ok(typeof printed === "object" && printed !== null && "error" in printed);
  const { error, ...rest } = printed;
  assert.ok(typeof error === "object" && error !== null && "request_id" in error, result.stdout);
  const { request_id: id, ...failure } = error;
  assert.ok(result.stderr.endsWith(`\n   request id: ${id}\n`), result.stderr);
  return { ...rest, error: failure };
}

/** Removed with everything in it. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "unkey-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
