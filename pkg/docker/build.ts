import { z } from "zod";
import { Fault, isFault } from "../fault/mod.ts";
import { type BuildOutcome, explainFailure } from "./build_outcome.ts";
import { type BuildEvent, BuildProgress } from "./build_progress.ts";
import { type BuildTrace, decodeTrace } from "./build_trace.ts";
import { callText, type Engine } from "./engine.ts";
import { removeImage } from "./images.ts";
import { jsonLines } from "./json_stream.ts";
import { reservedImage, type ReservedImages } from "./reserved_images.ts";

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
  /** Builds share what `RUN --mount=type=cache` keeps with those of the same name only. */
  readonly cacheNamespace?: string;
  /** Images that the Dockerfile must not use; a build that does fails, and leaves no image. */
  readonly reserved?: ReservedImages;
  /** Aborting stops the build in the engine too. There is no other time limit. */
  readonly signal: AbortSignal;
  /** Called as things happen; must not throw. */
  readonly onEvent?: (event: BuildEvent) => void;
}

/** An argument that BuildKit's Dockerfile frontend takes for itself. */
export const CACHE_NAMESPACE_ARG = "BUILDKIT_CACHE_MOUNT_NS";

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
    if (result.reserved !== undefined) {
      if (result.imageId !== undefined) await removeImage(engine, request.tag, signal);
      return reservedFailure(result.reserved);
    }
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

interface Followed {
  readonly imageId?: string;
  readonly error?: string;
  /** The build used it and must not. */
  readonly reserved?: string;
}

async function follow(engine: Engine, request: BuildRequest, progress: BuildProgress): Promise<Followed> {
  const { signal } = request;
  const response = await start(engine, request);
  if ("error" in response) return response;
  let imageId: string | undefined;
  let denied: { reserved?: string } = {};
  for await (const value of jsonLines(engine, response.answer, signal)) {
    const message = Message.parse(value);
    if (message.error !== undefined) {
      signal.throwIfAborted();
      return { error: message.errorDetail?.message ?? message.error, ...denied };
    }
    if (message.id === "moby.image.id") imageId = ImageId.parse(message.aux).ID;
    if (message.id === "moby.buildkit.trace") {
      const trace = decodeTrace(decodeBase64(z.string().parse(message.aux)));
      progress.push(trace);
      const reserved = denied.reserved === undefined ? firstReserved(trace, request) : undefined;
      if (reserved !== undefined) {
        denied = { reserved };
        void cancelBuild(engine, request.buildId);
      }
    }
  }
  signal.throwIfAborted();
  if (imageId !== undefined) return { imageId, ...denied };
  if (denied.reserved !== undefined) return denied;
  throw new Fault("unavailable", "Docker ended the build without an image or an error", {
    publicMessage: "The builder stopped in the middle of the build. Try again.",
  });
}

function firstReserved({ vertexes }: BuildTrace, { reserved }: BuildRequest): string | undefined {
  if (reserved === undefined) return undefined;
  for (const { name } of vertexes) {
    const image = reservedImage(name, reserved);
    if (image !== undefined) return image;
  }
  return undefined;
}

function reservedFailure(image: string): BuildOutcome {
  const message =
    `The Dockerfile uses the image ${image}, whose name is one of the platform's own: they are kept for running ` +
    "what was deployed, and no Dockerfile can use them. Build what you need of it in a stage of this Dockerfile, or " +
    "push a base image to a registry and name that.";
  return { kind: "failed", code: "build_failed", message, lastLines: [] };
}

/** The engine refuses some mistakes before it answers with a stream. */
async function start(
  engine: Engine,
  request: BuildRequest,
): Promise<{ answer: Response } | { error: string }> {
  const { cacheNamespace } = request;
  const query = {
    version: "2",
    remote: request.contextUrl,
    dockerfile: request.dockerfile,
    t: request.tag,
    labels: JSON.stringify(request.labels),
    ...(cacheNamespace === undefined
      ? {}
      : { buildargs: JSON.stringify({ [CACHE_NAMESPACE_ARG]: cacheNamespace }) }),
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
