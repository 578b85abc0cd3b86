import type { Clock } from "../clock/mod.ts";
import { type Engine, pushImage, type PushProgress, pushStepName, removeImage } from "../docker/mod.ts";
import { describeError, Fault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { canonicalRegistryHost, type Registry } from "../registry/mod.ts";
import { newSecretToken } from "../uid/mod.ts";
import type { Builder, BuildEvent, BuildFailure, BuildOutcome, BuildRequest } from "./builder.ts";
import type { Connection, Endpoint } from "./connection/connection.ts";
import { frontendOf, isAllowedFrontend } from "./policy/frontend_image.ts";
import { reservedImage } from "./policy/reserved_images.ts";
import { sourcePolicy, type SourceRules } from "./policy/source_policy.ts";
import { pushFailure } from "./push/push_failure.ts";
import { pushWithRetry } from "./push/push_with_retry.ts";
import { runtimeFailure } from "./runtime.ts";
import { solve, type Solved } from "./solve.ts";
import type { Exporter } from "./solve_request.ts";

/** Where images go. */
export type Destination =
  /** They stay in the Docker Engine that built them, or are pushed by it. */
  | { readonly kind: "engine"; readonly engine: Engine; readonly registry?: Registry }
  /** BuildKit pushes them; it keeps none that can be run. */
  | { readonly kind: "registry"; readonly registry: Registry };

export interface BuildkitBuilderOptions {
  /** A BuildKit for one build. */
  readonly lease: (request: BuildRequest) => Promise<Lease>;
  readonly destination: Destination;
  readonly rules: Omit<SourceRules, "registryName" | "ownImages">;
  /** Control group on the builder's machine below which instructions run. */
  readonly cgroupParent?: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A BuildKit that is there for a build. */
export interface Lease {
  readonly endpoint: Endpoint;
  /** Aborts with a fault when the machine is taken away. */
  readonly cancelled?: AbortSignal;
  /** Gives it back; must not throw. */
  release(outcome: "built" | "failed" | "stopped"): Promise<void>;
}

/** Stands for a registry in the names of images that stay in the engine that built them. */
export const LOCAL_REGISTRY = "unkey.local";

const REMOVE_MS_MAX = 30_000;
const PROGRESS_EVERY_MS = 5_000;
const DIGEST = "containerimage.digest";

/** A BuildKit that is always there. */
export function standing(endpoint: Endpoint): BuildkitBuilderOptions["lease"] {
  return () => Promise.resolve({ endpoint, release: () => Promise.resolve() });
}

/** Builds with BuildKit, and brings images to their destination. */
export function createBuildkitBuilder(options: BuildkitBuilderOptions): Builder {
  return {
    async build(request) {
      const refused = runtimeFailure() ?? refuseFrontend(request, options.rules.frontends);
      if (refused !== undefined) return refused;
      const lease = await options.lease(request);
      let end: "built" | "failed" | "stopped" = "stopped";
      try {
        const { cancelled, endpoint } = lease;
        const signal = cancelled === undefined
          ? request.signal
          : AbortSignal.any([request.signal, cancelled]);
        const connection = await endpoint.connect(signal);
        try {
          const outcome = await new Build(options, connection, { ...request, signal }).run();
          end = outcome.kind;
          return outcome;
        } finally {
          connection.close();
        }
      } finally {
        await lease.release(end);
      }
    },
  };
}

/** A frontend reads and runs what it likes, under the name of the platform. */
function refuseFrontend(request: BuildRequest, allowed: readonly string[]): BuildFailure | undefined {
  const { dockerfile, options } = request;
  const frontend = frontendOf(dockerfile.content, options.arguments);
  if (frontend === undefined || isAllowedFrontend(frontend, allowed)) return undefined;
  const message =
    `The Dockerfile "${dockerfile.path}" asks for the frontend ${frontend.reference.slice(0, 200)} ` +
    `with "# syntax=", and only these may be used: ${allowed.join(", ")}. ` +
    'Name one of them, for example "# syntax=docker/dockerfile:1", or remove the line.';
  return { kind: "failed", code: "build_failed", message, lastLines: [] };
}

class Build {
  readonly #options: BuildkitBuilderOptions;
  readonly #connection: Connection;
  readonly #request: BuildRequest;
  /** Aborts when the build uses an image that is not its own. */
  readonly #reserved = new AbortController();
  #reservedImage: string | undefined;

  constructor(options: BuildkitBuilderOptions, connection: Connection, request: BuildRequest) {
    this.#options = options;
    this.#connection = connection;
    this.#request = request;
  }

  run(): Promise<BuildOutcome> {
    const { destination } = this.#options;
    if (destination.kind === "registry") return this.#intoRegistry(destination.registry);
    const { engine, registry } = destination;
    return registry === undefined ? this.#intoEngine() : this.#throughEngine(engine, registry);
  }

  /**
   * The image stays where every later build could read it by its name: it gets a name that cannot be guessed, and only its owner
   * knows it.
   */
  async #intoEngine(): Promise<BuildOutcome> {
    const image = newSecretToken(this.#request.image);
    const solved = await this.#solve(engineExporter(image), []);
    return solved.kind === "solved" ? { kind: "built", image } : asFailure(solved);
  }

  async #throughEngine(engine: Engine, registry: Registry): Promise<BuildOutcome> {
    const { image } = this.#request;
    const solved = await this.#solve(engineExporter(image), [`${registry.name}/`]);
    if (solved.kind !== "solved") return asFailure(solved);
    try {
      return await this.#pushFrom(engine, registry);
    } finally {
      await this.#remove(engine, engineExporter(image));
    }
  }

  async #intoRegistry(registry: Registry): Promise<BuildOutcome> {
    const { clock, log } = this.#options;
    const { image, signal, onEvent } = this.#request;
    const step = { kind: "step", id: "push", name: pushStepName(image) } as const;
    const exporter: NamedExporter = {
      type: "image",
      attrs: { name: image, push: "true", "oci-mediatypes": "true" },
    };
    const tell = (line: string): void => onEvent({ kind: "log", stepName: step.name, lines: [line] });
    const solved = await pushWithRetry(
      // From the second attempt on all is cached, and its events have been emitted before.
      (attempt) => this.#solve(exporter, [], attempt === 1 ? onEvent : ignore),
      { clock, log, image, signal, tell },
    );
    if (solved.kind === "failed") return solved;
    onEvent({ ...step, status: solved.kind === "solved" ? "done" : "failed" });
    if (solved.kind === "not_pushed") return pushFailure(registry.name, solved.problem);
    const digest = solved.response[DIGEST];
    if (digest === undefined) {
      throw new Fault("internal", "BuildKit names no digest of the image that it pushed");
    }
    return { kind: "built", image: imageByDigest(image, digest) };
  }

  async #solve(
    exporter: NamedExporter,
    reservedBelow: readonly string[],
    onEvent: (event: BuildEvent) => void = this.#request.onEvent,
  ): Promise<Solved> {
    const { rules, destination, cgroupParent, log } = this.#options;
    const { image, signal } = this.#request;
    const ownImages = image.slice(0, image.lastIndexOf("/") + 1);
    const { registry } = destination;
    const below = destination.kind === "engine" ? [`${LOCAL_REGISTRY}/`, ...reservedBelow] : reservedBelow;
    const request = {
      ...this.#request,
      onEvent,
      credentials: this.#credentials,
      signal: AbortSignal.any([signal, this.#reserved.signal]),
    };
    const { dockerfile, options } = this.#request;
    const found = frontendOf(dockerfile.content, options.arguments);
    try {
      const solved = await solve(request, {
        connection: this.#connection,
        log,
        exporter,
        sourcePolicy: sourcePolicy({
          ...rules,
          ...(registry === undefined ? {} : { registryName: registry.name, ownImages }),
        }),
        frontendImage: found,
        ...(cgroupParent === undefined ? {} : { cgroupParent }),
        onStatus: ({ vertexes }) => {
          for (const { name } of vertexes) this.#refuse(reservedImage(name, { below, except: ownImages }));
        },
      });
      if (this.#reservedImage === undefined) return solved;
    } catch (error) {
      if (signal.aborted || this.#reservedImage === undefined) throw error;
    }
    // The export may have been faster than the abort.
    if (destination.kind === "engine") await this.#remove(destination.engine, exporter);
    return reservedFailure(this.#reservedImage);
  }

  /** BuildKit pushes with the credentials of the session, so that they come before a workspace's own of that registry. */
  readonly #credentials: BuildRequest["credentials"] = async (host) => {
    const { destination } = this.#options;
    const own = destination.kind === "registry" && isHostOf(destination.registry, host);
    return own ? destination.registry.credentials : await this.#request.credentials(host);
  };

  #refuse(image: string | undefined): void {
    if (image === undefined || this.#reservedImage !== undefined) return;
    this.#reservedImage = image;
    this.#reserved.abort();
  }

  /** Pushes; emits one step, and from time to time the progress of a long one. */
  async #pushFrom(engine: Engine, { name, credentials }: Registry): Promise<BuildOutcome> {
    const { clock, log } = this.#options;
    const { image, signal, onEvent } = this.#request;
    const step = { kind: "step", id: "push", name: pushStepName(image) } as const;
    const tell = (line: string): void => onEvent({ kind: "log", stepName: step.name, lines: [line] });
    const onProgress = progressLines(clock, tell);
    onEvent({ ...step, status: "running" });
    const pushed = await pushWithRetry(
      () =>
        pushImage(engine, {
          reference: image,
          ...(credentials === undefined ? {} : { credentials }),
          signal,
          onProgress,
        }),
      { clock, log, image, tell, signal },
    );
    onEvent({ ...step, status: pushed.kind === "pushed" ? "done" : "failed" });
    if (pushed.kind === "pushed") return { kind: "built", image: imageByDigest(image, pushed.digest) };
    return pushFailure(name, pushed.problem);
  }

  /** The registry has the image, or the build failed: the disk of the engine must not fill. Its build cache stays. */
  async #remove(engine: Engine, { attrs: { name: image } }: NamedExporter): Promise<void> {
    try {
      await removeImage(engine, image, AbortSignal.timeout(REMOVE_MS_MAX));
    } catch (error) {
      this.#options.log.warn("image not removed", { image, error: describeError(error) });
    }
  }
}

function isHostOf({ name }: Registry, host: string): boolean {
  return canonicalRegistryHost(name.split("/")[0] ?? "") === canonicalRegistryHost(host);
}

interface NamedExporter extends Exporter {
  readonly attrs: Exporter["attrs"] & { readonly name: string };
}

function engineExporter(name: string): NamedExporter {
  return { type: "moby", attrs: { name } };
}

/** An engine does not push while it builds. */
function asFailure(solved: Exclude<Solved, { kind: "solved" }>): BuildFailure {
  if (solved.kind === "failed") return solved;
  throw new Fault("internal", `a build without a push ended with a push: ${solved.said}`);
}

function reservedFailure(image: string): BuildFailure {
  const message =
    `The Dockerfile uses the image ${image}, whose name is one of the platform's own: they are kept for running ` +
    "deployments, and no Dockerfile can use them. Build the parts that you need in a stage of this Dockerfile, or " +
    "push a base image to a registry and name that.";
  return { kind: "failed", code: "build_failed", message, lastLines: [] };
}

/** The image of a name and tag by its content, which stays when the tag moves. */
function imageByDigest(tag: string, digest: string): string {
  return `${tag.slice(0, tag.lastIndexOf(":"))}@${digest}`;
}

function progressLines(clock: Clock, tell: (line: string) => void): (progress: PushProgress) => void {
  let lastLineMs = clock.now();
  return ({ sentBytes, totalBytes }) => {
    if (clock.now() - lastLineMs < PROGRESS_EVERY_MS) return;
    lastLineMs = clock.now();
    tell(`${megabytes(sentBytes)} of ${megabytes(totalBytes)} MB`);
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}

function ignore(_event: BuildEvent): void {
  // Emitted before.
}
