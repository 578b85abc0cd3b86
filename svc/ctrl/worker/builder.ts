import type { Clock } from "../../../pkg/clock/mod.ts";
import { openEngine } from "../../../pkg/docker/mod.ts";
import { Fault } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { registryOf } from "../../../pkg/registry/mod.ts";
import { LOCAL_REGISTRY } from "./build/plan.ts";
import type { Builder } from "./build/steps.ts";
import { type BuilderConfig, builderProblems } from "./builder_config.ts";
import { createDockerBuilder } from "./builder_docker.ts";
import { createLocalImages, type LocalImages } from "./local_images.ts";

/** What builds, and how the images that it builds are named. */
export interface OpenBuilder {
  readonly builder: Builder;
  readonly registryName: string;
  /** Images that stay where they were built; `undefined`: the builder keeps none. */
  readonly localImages?: LocalImages;
  close(): void;
}

/** Opens the builder that the settings name. Nothing is sent before the first build. */
export async function openBuilder(
  config: BuilderConfig,
  deps: { readonly clock: Clock; readonly log: Logger },
): Promise<OpenBuilder> {
  const registry = registryOf(config);
  if (config.buildBackend === "docker") {
    const engine = openEngine(config.dockerHost);
    const builder = createDockerBuilder({ engine, ...deps, ...(registry === undefined ? {} : { registry }) });
    const localImages = createLocalImages(engine);
    const registryName = registry?.name ?? LOCAL_REGISTRY;
    return { builder, registryName, localImages, close: () => engine.close() };
  }
  const { buildkitUrl } = config;
  if (buildkitUrl === undefined || registry === undefined) {
    throw new Fault("invalid_argument", builderProblems(config).join("; "));
  }
  // gRPC takes its time to load: only who uses it pays for it.
  const { openDaemon } = await import("../../../pkg/buildkit/mod.ts");
  const { createBuildkitBuilder } = await import("./builder_buildkit.ts");
  const daemon = openDaemon(buildkitUrl);
  const builder = createBuildkitBuilder({ daemon, ...deps, registry });
  return { builder, registryName: registry.name, close: () => daemon.close() };
}
