/**
 * Exit code 0 when the Docker Engine can pull the named image without credentials. Nothing is pulled.
 *
 * ```sh
 * deno run -A dev/can_pull.ts busybox:stable
 * ```
 */
import process from "node:process";
import { type Engine, openEngine } from "../pkg/docker/mod.ts";

/** A registry behind a firewall that drops packets never answers. */
const ANSWER_MS = 20_000;

/** True when the engine gets the manifest of the image from its registry. Docker 20.10 asks no mirror for it. */
export async function canPull(engine: Engine, image: string): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    const response = await engine.call({ method: "GET", path: `/distribution/${image}/json`, signal });
    await response.body?.cancel();
    return true;
  } catch {
    // The reason does not matter: the caller imports the image instead.
    return false;
  }
}

if (import.meta.main) {
  const engine = openEngine(process.env["DOCKER_HOST"] || undefined);
  process.exitCode = await canPull(engine, process.argv[2] ?? "") ? 0 : 1;
  engine.close();
}
