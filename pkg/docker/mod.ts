/**
 * A client of the Docker Engine API, over its unix socket or TCP: containers, images, logs, events, and builds.
 *
 * ```ts
 * const engine = openEngine("unix:///var/run/docker.sock");
 * const outcome = await buildImage(engine, {
 *   contextUrl, dockerfile: "Dockerfile", tag: "unkey.local/p:d", labels: {}, buildId, signal,
 *   onEvent: (event) => show(event),
 * });
 * engine.close();
 * ```
 *
 * Every call takes a signal and has a time limit, but for streams, which last until they end or the signal aborts. What
 * the engine answers is checked; its errors become faults: 404 `not_found`, 409 `already_exists`, other 4xx
 * `invalid_argument`, 5xx and no answer `unavailable`.
 *
 * @module
 */
export { HOST_DEFAULT } from "./address.ts";
export { buildImage, type BuildRequest, CACHE_NAMESPACE_ARG } from "./build.ts";
export { type BuildFailure, type BuildOutcome, explainFailure } from "./build_outcome.ts";
export { type BuildEvent, BuildProgress, type BuildRecord } from "./build_progress.ts";
export type { BuildTrace } from "./build_trace.ts";
export {
  type Container,
  containerBody,
  type ContainerLimits,
  type ContainerSpec,
  type ContainerState,
  type ContainerSummary,
  createContainer,
  inspectContainer,
  listContainers,
  removeContainer,
  startContainer,
  stopContainer,
} from "./containers.ts";
export { type Engine, engineCapacity, type EngineVersion, engineVersion, openEngine } from "./engine.ts";
export { type ContainerEvent, containerEvents } from "./events.ts";
export {
  fullReference,
  type Image,
  inspectImage,
  type LabelledImage,
  listImages,
  pullImage,
  type PullOptions,
  type PullProgress,
  removeImage,
} from "./images.ts";
export {
  type NotPushed,
  pushImage,
  type PushOutcome,
  type PushProgress,
  type PushRequest,
  pushStepName,
} from "./push.ts";
export { type PushProblem, pushProblem } from "./push_problem.ts";
export type { ReservedImages } from "./reserved_images.ts";
export { ensureSeparatingBridge } from "./networks.ts";
export { containerLogs, type LogLine, type LogRange } from "./logs.ts";
