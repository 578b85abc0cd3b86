/**
 * Ends with 0 when the Docker Engine can pull the image that is named: its registry answers, and lets anybody have it.
 * Nothing is pulled.
 *
 * ```sh
 * deno run -A dev/can_pull.ts busybox:stable
 * ```
 */
import process from "node:process";
import { type Engine, openEngine } from "../pkg/docker/mod.ts";

/** A registry behind a firewall that drops packets answers never. */
const ANSWER_MS = 20_000;

/** Whether the engine gets the manifest of the image from its registry. Docker 20.10 asks no mirror for it. */
export async function canPull(engine: Engine, image: string): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    const response = await engine.call({ method: "GET", path: `/distribution/${image}/json`, signal });
    await response.body?.cancel();
    return true;
  } catch {
    // For the caller it is the same why not: there is another way to the image.
    return false;
  }
}

if (import.meta.main) {
  const engine = openEngine(process.env["DOCKER_HOST"] || undefined);
  process.exitCode = await canPull(engine, process.argv[2] ?? "") ? 0 : 1;
  engine.close();
}
