/**
 * Depot's API for tests, over Connect on 127.0.0.1. Its machine is a BuildKit daemon that the test brings.
 *
 * ```ts
 * await using depot = await TestDepot.start({ machine: { address, ca, cert, key }, pollsUntilReady: 2 });
 * const client = openDepot({ token: depot.token, apiUrl: depot.url, clock, log });
 * ```
 *
 * @module
 */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { systemClock } from "../clock/mod.ts";
import { Secret } from "../config/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { type RpcServer, serveRpc } from "../rpc/mod.ts";
import { BuilderPlatform, BuildService } from "../../proto/gen/depot/cli/v1/build_pb.ts";
import { ProjectService } from "../../proto/gen/depot/core/v1/project_pb.ts";

/** The daemon that the double hands out; certificates and key are PEM. */
export interface TestDepotMachine {
  /** `tcp://host:port` */
  readonly address: string;
  readonly serverName?: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Behaviour of the double. */
export interface TestDepotOptions {
  readonly machine: TestDepotMachine;
  /** Polls that are answered with "pending"; `Infinity`: the machine is never ready. 0 by default. */
  readonly pollsUntilReady?: number;
  /** The time between polls that it asks for. */
  readonly waitMs?: number;
  /** Ids of the projects that exist at the start. */
  readonly projects?: readonly string[];
}

export type TestDepotMethod =
  | "createBuild"
  | "finishBuild"
  | "getBuildKitConnection"
  | "reportBuildHealth"
  | "listProjects"
  | "createProject"
  | "deleteProject";

/** A build as the double knows it. */
export interface TestDepotBuild {
  readonly id: string;
  readonly projectId: string;
  polls: number;
  heartbeats: number;
  platforms: Set<"amd64" | "arm64">;
  /** Undefined while the build is open. */
  result: "success" | "canceled" | `error: ${string}` | undefined;
  /** Heartbeats and polls after the end; a correct client makes none. */
  lateCalls: number;
}

/** A project as the double keeps it. */
export interface TestDepotProject {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly keepGb: number;
  readonly keepDays: number;
  readonly createdAtMs: number;
}

/** A running double. Dispose of it, or it stays. */
export class TestDepot implements AsyncDisposable {
  /** The only one that is accepted, for calls that are not about one build. */
  readonly token = new Secret("depot-organization-token");
  /** Every call that was authorized, in order. */
  readonly calls: TestDepotMethod[] = [];
  readonly builds: TestDepotBuild[] = [];
  readonly projects: TestDepotProject[] = [];
  readonly #refusals = new Map<TestDepotMethod, { readonly code: Code; times: number }>();
  readonly #options: TestDepotOptions;
  readonly #waiting = new Map<TestDepotMethod, Promise<void>>();
  #cancelsAtMs: number | undefined;
  #server: RpcServer | undefined;

  private constructor(options: TestDepotOptions) {
    this.#options = options;
    for (const id of options.projects ?? ["project-1"]) {
      this.#addProject({ id, name: id, region: "us-east-1" });
    }
  }

  static async start(options: TestDepotOptions): Promise<TestDepot> {
    const depot = new TestDepot(options);
    depot.#server = await serveRpc({
      hostname: "127.0.0.1",
      port: 0,
      portSetting: "the port of Depot's double",
      clock: systemClock(),
      log: silentLogger(),
      mount: (router) => {
        router.service(BuildService, depot.#buildService());
        router.service(ProjectService, depot.#projectService());
      },
    });
    return depot;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server?.port}`;
  }

  /** Answers a method with an error, from now on or the next `times` times. */
  refuse(method: TestDepotMethod, code: Code, times = Infinity): void {
    this.#refusals.set(method, { code, times });
  }

  /** Holds all answers of a method back until the returned function is called. */
  hold(method: TestDepotMethod): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(method, promise);
    return resolve;
  }

  /** Tells builds, with their next heartbeat, to end at this time. */
  cancelBuildsAt(timeMs: number): void {
    this.#cancelsAtMs = timeMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.shutdown();
  }

  #buildService(): ServiceImpl<typeof BuildService> {
    return {
      createBuild: async ({ projectId }, { requestHeader }) => {
        await this.#enter("createBuild", requestHeader, this.token.reveal());
        if (projectId === undefined || !this.projects.some(({ id }) => id === projectId)) {
          throw new ConnectError(`unknown project ${projectId}`, Code.NotFound);
        }
        const id = `build-${this.builds.length + 1}`;
        const counts = { polls: 0, heartbeats: 0, lateCalls: 0, platforms: new Set<"amd64" | "arm64">() };
        this.builds.push({ id, projectId, ...counts, result: undefined });
        return { buildId: id, buildToken: buildToken(id), buildUrl: `https://depot.example/builds/${id}` };
      },
      finishBuild: async (request, { requestHeader }) => {
        const build = await this.#enterBuild("finishBuild", requestHeader, request.buildId);
        const { result } = request;
        if (result.case === undefined) throw new ConnectError("no result", Code.InvalidArgument);
        if (build.result !== undefined) throw new ConnectError("has ended", Code.FailedPrecondition);
        build.result = result.case === "error" ? `error: ${result.value.error}` : result.case;
        return {};
      },
      getBuildKitConnection: async ({ buildId, platform }, { requestHeader }) => {
        const build = await this.#enterBuild("getBuildKitConnection", requestHeader, buildId);
        build.platforms.add(platformName(platform));
        build.polls++;
        const { machine, pollsUntilReady = 0, waitMs = 0 } = this.#options;
        if (build.polls <= pollsUntilReady) {
          return { connection: { case: "pending", value: { waitMs } } };
        }
        const { address: endpoint, serverName = "", ca, cert, key } = machine;
        const value = { endpoint, serverName, caCert: { cert: ca }, cert: { cert, key } };
        return { connection: { case: "active", value } };
      },
      reportBuildHealth: async ({ buildId, platform }, { requestHeader }) => {
        const build = await this.#enterBuild("reportBuildHealth", requestHeader, buildId);
        build.platforms.add(platformName(platform));
        build.heartbeats++;
        return this.#cancelsAtMs === undefined ? {} : { cancelsAt: timestampFromMs(this.#cancelsAtMs) };
      },
    };
  }

  #projectService(): ServiceImpl<typeof ProjectService> {
    return {
      listProjects: async (_request, { requestHeader }) => {
        await this.#enter("listProjects", requestHeader, this.token.reveal());
        return { projects: this.projects.map(projectMessage) };
      },
      createProject: async ({ name, regionId: region, cachePolicy }, { requestHeader }) => {
        await this.#enter("createProject", requestHeader, this.token.reveal());
        const id = `project-${this.calls.length}-${this.projects.length + 1}`;
        const { keepGb = 0, keepDays = 0 } = cachePolicy ?? {};
        return { project: projectMessage(this.#addProject({ id, name, region, keepGb, keepDays })) };
      },
      deleteProject: async ({ projectId }, { requestHeader }) => {
        await this.#enter("deleteProject", requestHeader, this.token.reveal());
        const index = this.projects.findIndex(({ id }) => id === projectId);
        if (index < 0) throw new ConnectError(`unknown project ${projectId}`, Code.NotFound);
        this.projects.splice(index, 1);
        return {};
      },
    };
  }

  #addProject(
    project: Partial<TestDepotProject> & Pick<TestDepotProject, "id" | "name" | "region">,
  ): TestDepotProject {
    const createdAtMs = 1_700_000_000_000 + this.projects.length;
    const whole = { keepGb: 0, keepDays: 0, createdAtMs, ...project };
    this.projects.push(whole);
    return whole;
  }

  async #enterBuild(method: TestDepotMethod, header: Headers, buildId: string): Promise<TestDepotBuild> {
    await this.#enter(method, header, buildToken(buildId));
    const build = this.builds.find(({ id }) => id === buildId);
    if (build === undefined) throw new ConnectError(`unknown build ${buildId}`, Code.NotFound);
    if (build.result !== undefined) build.lateCalls++;
    return build;
  }

  async #enter(method: TestDepotMethod, header: Headers, token: string): Promise<void> {
    if (header.get("authorization") !== `Bearer ${token}`) {
      throw new ConnectError("invalid token", Code.Unauthenticated);
    }
    this.calls.push(method);
    await this.#waiting.get(method);
    const refusal = this.#refusals.get(method);
    if (refusal === undefined || refusal.times-- <= 0) return;
    throw new ConnectError(`a detail that Depot's double tells about ${method}`, refusal.code);
  }
}

function buildToken(buildId: string): string {
  return `token-of-${buildId}`;
}

function platformName(platform: BuilderPlatform): "amd64" | "arm64" {
  switch (platform) {
    case BuilderPlatform.AMD64:
      return "amd64";
    case BuilderPlatform.ARM64:
      return "arm64";
    case BuilderPlatform.UNSPECIFIED:
      throw new ConnectError("no platform", Code.InvalidArgument);
  }
}

function projectMessage({ id, name, region, keepGb, keepDays, createdAtMs }: TestDepotProject) {
  return {
    projectId: id,
    name,
    regionId: region,
    createdAt: timestampFromMs(createdAtMs),
    cachePolicy: { keepGb, keepDays },
  };
}
