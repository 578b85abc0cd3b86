import { z } from "zod";
import { Fault, isFault } from "../fault/mod.ts";
import { type BuildOutcome, explainFailure } from "./build_outcome.ts";
import { type BuildEvent, BuildProgress } from "./build_progress.ts";
import { decodeTrace } from "./build_trace.ts";
import { callText, type Engine } from "./engine.ts";
import { jsonLines } from "./json_stream.ts";

/** What to build. The engine itself fetches the context, so the URL must be reachable from where it runs. */
export interface BuildRequest {
  /** A tar archive, compressed or not. */
  readonly contextUrl: string;
  /** Path of the Dockerfile in the context. */
  readonly dockerfile: string;
  /** Name and tag of the image. */
  readonly tag: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Names this build to the engine; unique while it runs. */
  readonly buildId: string;
  /** Aborting stops the build in the engine too. There is no other time limit. */
  readonly signal: AbortSignal;
  /** Called as things happen; must not throw. */
  readonly onEvent?: (event: BuildEvent) => void;
}

const Message = z.object({
  id: z.string().optional(),
  aux: z.unknown().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ message: z.string() }).optional(),
});
const ImageId = z.object({ ID: z.string() });

/**
 * Builds an image with the engine's BuildKit. What the user can mend is a value; the engine keeps its cache between builds.
 * BuildKit inside the engine takes no limits per build: bound it by the engine's own cgroup.
 *
 * @throws `unavailable` when the engine or the object store does not answer
 */
export async function buildImage(engine: Engine, request: BuildRequest): Promise<BuildOutcome> {
  const { signal } = request;
  const progress = new BuildProgress(request.onEvent ?? (() => undefined));
  const cancel = (): void => void cancelBuild(engine, request.buildId);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const result = await follow(engine, request, progress);
    if (result.imageId !== undefined) return { kind: "built", imageId: result.imageId, image: request.tag };
    return explainFailure(
      result.error ?? "the engine did not say why",
      request.dockerfile,
      progress.record(),
    );
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

async function follow(
  engine: Engine,
  request: BuildRequest,
  progress: BuildProgress,
): Promise<{ imageId?: string; error?: string }> {
  const { signal } = request;
  const response = await start(engine, request);
  if ("error" in response) return response;
  let imageId: string | undefined;
  for await (const value of jsonLines(engine, response.answer, signal)) {
    const message = Message.parse(value);
    if (message.error !== undefined) {
      signal.throwIfAborted();
      return { error: message.errorDetail?.message ?? message.error };
    }
    if (message.id === "moby.image.id") imageId = ImageId.parse(message.aux).ID;
    if (message.id === "moby.buildkit.trace") {
      progress.push(decodeTrace(decodeBase64(z.string().parse(message.aux))));
    }
  }
  signal.throwIfAborted();
  if (imageId !== undefined) return { imageId };
  throw new Fault("unavailable", "Docker ended the build without an image or an error", {
    publicMessage: "The builder stopped in the middle of the build. Try again.",
  });
}

/** The engine refuses some mistakes before it answers with a stream. */
async function start(
  engine: Engine,
  request: BuildRequest,
): Promise<{ answer: Response } | { error: string }> {
  const query = {
    version: "2",
    remote: request.contextUrl,
    dockerfile: request.dockerfile,
    t: request.tag,
    labels: JSON.stringify(request.labels),
    buildid: request.buildId,
    rm: "1",
    forcerm: "1",
  };
  try {
    const answer = await engine.call({
      method: "POST",
      path: "/build",
      query,
      signal: request.signal,
      timeoutMs: 0,
    });
    return { answer };
  } catch (error) {
    if (!isFault(error, "invalid_argument", "not_found")) throw error;
    return { error: error.publicMessage ?? error.message };
  }
}

/** Best effort: the engine also notices that nobody reads the answer any more. */
async function cancelBuild(engine: Engine, buildId: string): Promise<void> {
  const signal = AbortSignal.timeout(5_000);
  try {
    await callText(engine, { method: "POST", path: "/build/cancel", query: { id: buildId }, signal });
  } catch {
    // The build may have ended, or the engine is gone: nothing is left to cancel.
  }
}

function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
