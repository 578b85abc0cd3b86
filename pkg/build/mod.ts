/**
 * Builds images exactly as `docker build` does, with a client of BuildKit's own API: through a Docker Engine, with a BuildKit
 * daemon, or on a machine of Depot.
 *
 * ```ts
 * await using context = await openArchive(body, { temporaryDirectory, bytesMax, entriesMax, signal });
 * const builder = createBuildkitBuilder({
 *   lease: standing(engineEndpoint("unix:///var/run/docker.sock")), destination: { kind: "engine", engine }, rules, clock, log,
 * });
 * const outcome = await builder.build({ context, dockerfile, image: "unkey.local/shop:d_1", signal, onEvent, ...settings });
 * ```
 *
 * The builder asks this process for the files that it lacks, for registry credentials and for build secrets, through a session
 * that lasts as long as the build. Sources that a build may read are limited by a policy (`SourceRules`).
 *
 * @module
 */
export {
  type Builder,
  type BuildEvent,
  type BuildFailure,
  type BuildFailureCode,
  type BuildOptions,
  type BuildOutcome,
  type BuildRequest,
  type Dockerfile,
} from "./builder.ts";
export {
  type BuildkitBuilderOptions,
  createBuildkitBuilder,
  type Destination,
  type Lease,
  LOCAL_REGISTRY,
  standing,
} from "./buildkit_builder.ts";
export { type CacheLimits, type CacheUsage, cacheUsage, pruneCache } from "./cache/cache.ts";
export { type Connection, type Endpoint } from "./connection/connection.ts";
export { type ClientCertificate, daemonEndpoint } from "./connection/daemon.ts";
export { engineEndpoint } from "./connection/engine.ts";
export { type ArchiveOptions, type ContextArchive, openArchive } from "./context/archive.ts";
export { type ContextEntry, type ContextTree } from "./context/tree.ts";
export { missingLines } from "./progress/texts.ts";
export { type ProbedFetch, probeFetch } from "./probe/fetch_probe.ts";
export { type WorkerFacts, workerFacts } from "./probe/worker_facts.ts";
export { runtimeProblem } from "./runtime.ts";
export { type FrontendImage, frontendOf, isAllowedFrontend } from "./policy/frontend_image.ts";
export { FRONTENDS_DEFAULT, type SourceRules } from "./policy/source_policy.ts";
