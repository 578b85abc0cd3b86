import { buildImage, type Engine } from "../../../pkg/docker/mod.ts";
import type { Builder } from "./build/steps.ts";

/** Builds with the BuildKit inside a Docker Engine; the image stays in that engine. */
export function createDockerBuilder(engine: Engine): Builder {
  return { build: (request) => buildImage(engine, request) };
}
