import { z } from "zod";
import { Fault, isFault } from "../fault/mod.ts";
import {
  IMAGE_CONFIG,
  type ImageConfig,
  pullFailureText,
  type RegistryCredentials,
} from "../registry/mod.ts";
import { callJson, callText, type Engine } from "./engine.ts";
import { jsonLines } from "./json_stream.ts";
import { authHeader } from "./registry_auth.ts";

/** An image that the engine has. */
export interface Image {
  readonly id: string;
  readonly tags: readonly string[];
}

/** The progress of a pull, summed over the layers whose size is known. */
export interface PullProgress {
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

export interface PullOptions {
  readonly credentials?: RegistryCredentials;
  readonly onProgress?: (progress: PullProgress) => void;
}

const Inspected = z.object({ Id: z.string(), RepoTags: z.array(z.string()).nullish() });
const Progress = z.object({
  id: z.string().optional(),
  error: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).nullish(),
});

/** The image of a name, tag or id, or `undefined` when the engine does not have it. */
export async function inspectImage(
  engine: Engine,
  reference: string,
  signal: AbortSignal,
): Promise<Image | undefined> {
  try {
    const raw = await callJson(
      engine,
      { method: "GET", path: `${pathOf(reference)}/json`, signal },
      Inspected,
    );
    return { id: raw.Id, tags: raw.RepoTags ?? [] };
  } catch (error) {
    if (isFault(error, "not_found")) return undefined;
    throw error;
  }
}

const Configured = z.object({ Config: IMAGE_CONFIG.nullish() });

/** The configuration of an image, or `undefined` when the engine does not have it. */
export async function readImageConfig(
  engine: Engine,
  reference: string,
  signal: AbortSignal,
): Promise<ImageConfig | undefined> {
  try {
    const path = `${pathOf(reference)}/json`;
    return (await callJson(engine, { method: "GET", path, signal }, Configured)).Config ?? undefined;
  } catch (error) {
    if (isFault(error, "not_found")) return undefined;
    throw error;
  }
}

const Listed = z.array(z.object({
  Id: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  Labels: z.record(z.string(), z.string()).nullish(),
}));

/** An image with what was written on it when it was built. */
export interface LabelledImage extends Image {
  readonly labels: Readonly<Record<string, string>>;
}

/** All images that carry `label` (`name` or `name=value`). */
export async function listImages(
  engine: Engine,
  label: string,
  signal: AbortSignal,
): Promise<LabelledImage[]> {
  const query = { filters: JSON.stringify({ label: [label] }) };
  const raw = await callJson(engine, { method: "GET", path: "/images/json", query, signal }, Listed);
  return raw.map(({ Id: id, RepoTags, Labels }) => ({ id, tags: RepoTags ?? [], labels: Labels ?? {} }));
}

/**
 * Pulls one image; a reference without tag or digest means `latest`.
 *
 * @throws `failed_precondition` when it cannot be had; the registry's answer is in the internal text only
 */
export async function pullImage(
  engine: Engine,
  reference: string,
  signal: AbortSignal,
  options: PullOptions = {},
): Promise<void> {
  const { credentials, onProgress = () => undefined } = options;
  const query = { fromImage: withTag(reference) };
  const layers = new Map<string, { current: number; total: number }>();
  try {
    const response = await engine.call({
      method: "POST",
      path: "/images/create",
      query,
      ...(credentials === undefined ? {} : { headers: authHeader(credentials) }),
      signal,
      timeoutMs: 0,
    });
    for await (const value of jsonLines(engine, response, signal)) {
      const line = Progress.parse(value);
      if (line.error !== undefined) throw notPulled(reference, line.error);
      const { current, total } = line.progressDetail ?? {};
      if (line.id === undefined || current === undefined || total === undefined) continue;
      layers.set(line.id, { current, total });
      const all = [...layers.values()];
      onProgress({
        receivedBytes: all.reduce((sum, each) => sum + each.current, 0),
        totalBytes: all.reduce((sum, each) => sum + each.total, 0),
      });
    }
  } catch (error) {
    // A registry that cannot be reached, a missing image and refused credentials come as 404 or 500 of the engine;
    // an engine that does not answer at all is recognized by its cause.
    const answered = isFault(error, "not_found", "invalid_argument") ||
      (isFault(error, "unavailable") && error.cause === undefined);
    if (!answered) throw error;
    const said = (error.publicMessage ?? "").replace(/^Docker: /, "");
    throw notPulled(reference, said, error);
  }
}

function notPulled(reference: string, said: string, cause?: unknown): Fault {
  const publicMessage = pullFailureText(reference, said);
  return new Fault("failed_precondition", `"${reference}" could not be pulled: ${said}`, {
    publicMessage,
    cause,
  });
}

/** `name` becomes `name:latest`; without a tag the engine would pull every tag there is. */
export function withTag(reference: string): string {
  if (reference.includes("@")) return reference;
  const name = reference.slice(reference.lastIndexOf("/") + 1);
  return name.includes(":") ? reference : `${reference}:latest`;
}

/**
 * The reference with all that may be left out written down: `abc` becomes `docker.io/library/abc:latest`. The engine takes
 * a short name for the beginning of an image's id when it knows no such name; this one it never does.
 */
export function fullReference(reference: string): string {
  const tagged = withTag(reference);
  const slash = tagged.indexOf("/");
  const first = tagged.slice(0, Math.max(0, slash));
  if (/[.:A-Z]/.test(first) || first === "localhost") return tagged;
  return slash < 0 ? `docker.io/library/${tagged}` : `docker.io/${tagged}`;
}

/** Removes a name, and the image with its last one. False when a container uses it, running or not: then it stays. */
export async function removeImage(engine: Engine, reference: string, signal: AbortSignal): Promise<boolean> {
  try {
    await callText(engine, { method: "DELETE", path: pathOf(reference), signal });
    return true;
  } catch (error) {
    if (!isFault(error, "not_found", "already_exists")) throw error;
    return error.code === "not_found";
  }
}

/** Repository and tag of a reference without a digest. */
export function splitReference(reference: string): { repository: string; tag: string } {
  const full = withTag(reference);
  const at = full.lastIndexOf(":");
  return { repository: full.slice(0, at), tag: full.slice(at + 1) };
}

/** Where the engine has the image of a name. */
export function pathOf(reference: string): string {
  return `/images/${reference.split("/").map(encodeURIComponent).join("/")}`;
}
