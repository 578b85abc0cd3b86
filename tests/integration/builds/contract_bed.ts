/** A builder of each kind for the contract test: its registry, its base images, and a way to look into built images. */
import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { padding, tarEnd, tarHeader } from "../../../pkg/testkit/context_archive/tar.ts";
import {
  type Builder,
  type BuildEvent,
  type BuildOptions,
  type BuildOutcome,
  type BuildRequest,
  type ClientCertificate,
  createBuildkitBuilder,
  daemonEndpoint,
  type Endpoint,
  engineEndpoint,
  LOCAL_REGISTRY,
  openArchive,
} from "../../../pkg/build/mod.ts";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { Secret } from "../../../pkg/config/mod.ts";
import { openEngine } from "../../../pkg/docker/mod.ts";
import { type Logger, silentLogger } from "../../../pkg/logger/mod.ts";
import { pushBaseImage, pushFrontend } from "../../../pkg/testkit/base_registry.ts";
import { TestBuildkit } from "../../../pkg/testkit/buildkit.ts";
import type { CertificateFiles } from "../../../pkg/testkit/certificate.ts";
import { TestDepot } from "../../../pkg/testkit/depot.ts";
import { HubRegistry } from "../../../pkg/testkit/hub_registry.ts";
import { PrivateEngine, type PrivateEngineOptions } from "../../../pkg/testkit/private_engine.ts";
import { TestRegistry } from "../../../pkg/testkit/registry.ts";
import { seedProject } from "../../../svc/ctrl/internal/store/testing.ts";
import { depotLease } from "../../../svc/ctrl/worker/builder/depot_lease.ts";
import { memoryDatabase } from "../../../svc/ctrl/worker/testing.ts";
import { openDepot } from "../../../pkg/build/depot/mod.ts";
import { docker } from "../../testbed/testbed.ts";
import { daemonBuilder, engineBuilder, rulesOf, type TestBuilderOptions } from "../builders.ts";

/** A file of a context: its text, or more. */
export type ContextFile = string | {
  readonly text: string;
  /** Nanoseconds since 1970. */
  readonly modifiedAtNs?: bigint;
  readonly mode?: number;
};

/** A build of the contract test. The Dockerfile is beside the context. */
export interface ContractBuild extends Partial<BuildOptions> {
  readonly dockerfile: string;
  readonly files?: Readonly<Record<string, ContextFile>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly credentials?: BuildRequest["credentials"];
  readonly contextKey?: string;
  readonly cacheNamespace?: string;
  readonly signal?: AbortSignal;
}

export interface ContractResult {
  readonly outcome: BuildOutcome;
  /** `step name: line` */
  readonly lines: readonly string[];
  /** Steps that BuildKit took from its cache. */
  readonly cached: readonly string[];
  /** Files of the context that were sent. */
  readonly filesSent: number;
}

const LIMIT_MS = 300_000;
const OPTIONS: BuildOptions = { arguments: {}, noCache: false, pull: false };
const nothing = () => Promise.resolve(undefined);

interface Parts {
  readonly builder: (log: Logger) => Builder;
  readonly registryName: string;
  /** Docker host that can run the images. */
  readonly host: string;
  /** The BuildKit; `undefined`: each build has its own. */
  readonly endpoint?: Endpoint;
}

/** Dispose of it, or its parts stay. */
export class ContractBed implements AsyncDisposable {
  readonly hub: HubRegistry;
  readonly #parts: Parts;
  readonly #stack: AsyncDisposableStack;
  readonly #projectId: string;
  readonly #made: string[] = [];

  private constructor(
    hub: HubRegistry,
    parts: Parts,
    rest: { stack: AsyncDisposableStack; projectId: string },
  ) {
    this.hub = hub;
    this.#parts = parts;
    this.#stack = rest.stack;
    this.#projectId = rest.projectId;
  }

  static engine(
    options: PrivateEngineOptions,
    more: Pick<TestBuilderOptions, "cgroupParent"> = {},
  ): Promise<ContractBed> {
    return ContractBed.#start(async (stack, trusted) => {
      const { host } = stack.use(await PrivateEngine.open(options));
      const engine = openEngine(host);
      stack.defer(() => engine.close());
      return {
        builder: (log) => engineBuilder(engine, { ...more, trusted, frontends: frontendsOf(trusted), log }),
        registryName: LOCAL_REGISTRY,
        host,
        endpoint: engineEndpoint(host),
      };
    });
  }

  static daemon(listen: "tcp" | "unix" | "tls"): Promise<ContractBed> {
    return ContractBed.#start(async (stack, trusted) => {
      const apps = stack.use(await TestRegistry.start());
      const daemon = stack.use(await TestBuildkit.start({ plainHttp: [...trusted, apps.name], listen }));
      const registry = { name: `${apps.name}/apps` };
      const certificate = daemon.certificates && await certificateOf(daemon.certificates);
      const options = {
        registry,
        trusted,
        frontends: frontendsOf(trusted),
        ...(certificate === undefined ? {} : { certificate }),
      };
      return {
        builder: (log) => daemonBuilder(daemon.url, { ...options, log }),
        registryName: registry.name,
        host: "unix:///var/run/docker.sock",
        endpoint: daemonEndpoint(daemon.url, certificate),
      };
    });
  }

  static depot(): Promise<ContractBed> {
    return ContractBed.#start(async (stack, trusted, projectId) => {
      const apps = stack.use(await TestRegistry.start());
      const daemon = stack.use(
        await TestBuildkit.start({ plainHttp: [...trusted, apps.name], listen: "tls" }),
      );
      assert.ok(daemon.certificates !== undefined);
      const machine = { address: daemon.url, serverName: "localhost", ...await pemOf(daemon.certificates) };
      const api = stack.use(await TestDepot.start({ machine, pollsUntilReady: 2, waitMs: 20 }));
      const clock = systemClock();
      const db = await memoryDatabase();
      stack.defer(() => db.close());
      const seeded = await seedProject(db);
      await db.kysely.updateTable("projects").set({ id: projectId }).where("id", "=", seeded.projectId)
        .execute();
      const depot = openDepot({ token: api.token, apiUrl: api.url, clock, log: silentLogger() });
      const registry = { name: `${apps.name}/apps` };
      const builder = (log: Logger) =>
        createBuildkitBuilder({
          lease: depotLease({ db: db.kysely, depot, region: "us-east-1", platform: "amd64", clock, log }),
          destination: { kind: "registry", registry },
          rules: rulesOf({ trusted, frontends: frontendsOf(trusted) }),
          clock,
          log,
        });
      return { builder, registryName: registry.name, host: "unix:///var/run/docker.sock" };
    });
  }

  static async #start(
    open: (stack: AsyncDisposableStack, trusted: readonly string[], projectId: string) => Promise<Parts>,
  ): Promise<ContractBed> {
    const stack = new AsyncDisposableStack();
    try {
      const hub = stack.use(await HubRegistry.start());
      await pushBaseImage(hub.upstream, "library/busybox:stable");
      await pushBaseImage(hub.upstream, "private/base:1");
      await pushFrontend(hub.upstream, "library/dockerfile:1");
      const projectId = `proj_${crypto.randomUUID().slice(0, 8)}`;
      const parts = await open(stack, [hub.name], projectId);
      return new ContractBed(hub, parts, { stack, projectId });
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  get endpoint(): Endpoint | undefined {
    return this.#parts.endpoint;
  }

  /** A public base image, whose registry wants a token from everybody. */
  get base(): string {
    return `${this.hub.name}/library/busybox:stable`;
  }

  /** A Dockerfile frontend behind the same registry. */
  get frontend(): string {
    return `${this.hub.name}/library/dockerfile:1`;
  }

  get privateBase(): string {
    return `${this.hub.name}/private/base:1`;
  }

  async build(build: ContractBuild): Promise<ContractResult> {
    const { files = {}, secrets = {}, credentials = nothing, signal = AbortSignal.timeout(LIMIT_MS) } = build;
    await using context = await openArchive(archive(files).stream(), {
      temporaryDirectory: tmpdir(),
      bytesMax: 1_000_000_000,
      entriesMax: 100_000,
      signal,
    });
    const [lines, cached]: [string[], string[]] = [[], []];
    const onEvent = (event: BuildEvent): void => {
      if (event.kind === "log") lines.push(...event.lines.map((line) => `${event.stepName}: ${line}`));
      else if (event.status === "cached") cached.push(event.name);
    };
    const { contextKey = this.#projectId, dockerfile, cacheNamespace = "ws_a" } = build;
    const synchronized: SyncReport[] = [];
    const outcome = await this.#parts.builder(syncLogger(synchronized)).build({
      context,
      dockerfile: { path: "Dockerfile", content: new TextEncoder().encode(dockerfile) },
      image: `${this.#parts.registryName}/ws_a/proj_a:d_${crypto.randomUUID().slice(0, 8)}`,
      labels: { "dev.unkey.project": "proj_a" },
      options: { ...OPTIONS, ...optionsOf(build) },
      secrets: (id) => Promise.resolve(Object.hasOwn(secrets, id) ? encode(secrets[id] ?? "") : undefined),
      credentials,
      projectId: this.#projectId,
      contextKey: `${contextKey}${context.stampDigest}`,
      cacheNamespace,
      signal,
      onEvent,
    });
    if (outcome.kind === "built") this.#made.push(outcome.image);
    const sent = synchronized.filter(({ folder }) => folder === "context");
    return { outcome, lines, cached, filesSent: sent.reduce((sum, each) => sum + each.filesSent, 0) };
  }

  /** The same, where it must end with an image. */
  async built(build: ContractBuild): Promise<ContractResult & { readonly image: string }> {
    const result = await this.build(build);
    assert.ok(
      result.outcome.kind === "built",
      `${JSON.stringify(result.outcome)}\n${result.lines.join("\n")}`,
    );
    return { ...result, image: result.outcome.image };
  }

  /** Runs a command in an image, without a network. */
  async run(image: string, ...command: readonly string[]): Promise<string> {
    const { host } = this.#parts;
    const ran = await docker(["--host", host, "run", "--rm", "--network", "none", image, ...command]);
    return ran.stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { host } = this.#parts;
    if (this.#made.length > 0) await docker(["--host", host, "rmi", "--force", ...this.#made]);
    await this.#stack.disposeAsync();
  }
}

interface SyncReport {
  readonly folder: string;
  readonly filesSent: number;
}

function syncLogger(reports: SyncReport[]): Logger {
  return {
    ...silentLogger(),
    debug(_event, { folder, filesSent } = {}) {
      if (typeof folder === "string" && typeof filesSent === "number") reports.push({ folder, filesSent });
    },
  };
}

function optionsOf(
  { arguments: args, noCache, pull, target, platform }: ContractBuild,
): Partial<BuildOptions> {
  return {
    ...(args === undefined ? {} : { arguments: args }),
    ...(noCache === undefined ? {} : { noCache }),
    ...(pull === undefined ? {} : { pull }),
    ...(target === undefined ? {} : { target }),
    ...(platform === undefined ? {} : { platform }),
  };
}

function frontendsOf(registries: readonly string[]): readonly string[] {
  return registries.map((name) => `${name}/library/dockerfile`);
}

async function certificateOf(files: CertificateFiles): Promise<ClientCertificate> {
  const { ca, cert: certificate, key } = await pemOf(files);
  return { ca, certificate, key: new Secret(key) };
}

async function pemOf(files: CertificateFiles) {
  return {
    ca: await Deno.readTextFile(files.authority),
    cert: await Deno.readTextFile(files.certificate),
    key: await Deno.readTextFile(files.privateKey),
  };
}

function archive(files: Readonly<Record<string, ContextFile>>): Blob {
  const parts = Object.entries(files).flatMap(([name, file]) => {
    const { text, modifiedAtNs = nowNs(), mode = 0o644 } = typeof file === "string" ? { text: file } : file;
    const body = encode(text);
    const header = tarHeader({ name, kind: "file", mode, size: body.length, modifiedAtNs, target: "" });
    return [header, body, padding(body.length)];
  });
  return new Blob([...parts, tarEnd()].map((bytes) => new Uint8Array(bytes)));
}

/** As a file system gives times: not in whole seconds. */
function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n + 123_457n;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
