/**
 * A client of the Docker Engine API, over its unix socket or TCP: containers, images, logs and events. Builds are in `pkg/build`.
 *
 * ```ts
 * const engine = openEngine("unix:///var/run/docker.sock");
 * const outcome = await pushImage(engine, { reference: "registry.example.com/shop:1", signal });
 * engine.close();
 * ```
 *
 * Every call takes a signal and has a time limit, but for streams, which last until they end or the signal aborts. What
 * the engine answers is checked; its errors become faults: 404 `not_found`, 409 `already_exists`, other 4xx
 * `invalid_argument`, 5xx and no answer `unavailable`.
 *
 * @module
 */
export { type EngineAddress, HOST_DEFAULT, parseHost } from "./address.ts";
export {
  type Container,
  containerBody,
  type ContainerLimits,
  containerSizes,
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
export { containerCpuTime, type CpuTime } from "./stats.ts";
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
  readImageConfig,
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
export {
  ensureSeparatingBridge,
  inspectNetwork,
  listNetworks,
  type Network,
  removeNetwork,
  type SeparatingBridge,
} from "./networks.ts";
export { type Exec, type ExecResult, isExecRunning, startExec } from "./exec.ts";
export { containerLogs, type LogLine, type LogRange } from "./logs.ts";
