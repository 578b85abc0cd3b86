import { Fault } from "../fault/mod.ts";
import type { BuildRecord } from "./build_progress.ts";

/** How a build ended. A failure is the user's to mend; trouble of the platform is thrown instead. */
export type BuildOutcome =
  | { readonly kind: "built"; readonly imageId: string; readonly image: string }
  | BuildFailure;

export interface BuildFailure {
  readonly kind: "failed";
  readonly code: "build_failed" | "dockerfile_missing" | "context_invalid";
  /** For the user: what failed, and what to do. */
  readonly message: string;
  /** The Dockerfile instruction that failed, where one did. */
  readonly instruction?: string;
  readonly exitCode?: number;
  /** What the instruction printed last. */
  readonly lastLines: readonly string[];
}

/**
 * Explains why BuildKit gave up with `error`.
 *
 * @throws `unavailable` when the cause is neither the Dockerfile nor the context
 */
export function explainFailure(error: string, dockerfile: string, record: BuildRecord): BuildFailure {
  const plain = error.replace(/^(failed to solve( with frontend [\w.]+)?: )+/, "");
  // What an instruction is called can contain anything: one that ran and failed is never taken for something else.
  if (/exit code: \d+$/.test(record.failed?.error ?? "")) return stepFailure(plain, record);
  return contextFailure(plain) ?? dockerfileFailure(plain, dockerfile, record) ??
    imageFailure(plain, record) ??
    stepFailure(plain, record);
}

/** The archive could not be fetched, or is none. */
function contextFailure(error: string): BuildFailure | undefined {
  const status = /invalid response status (\d{3})/.exec(error)?.[1];
  if (!/failed to read downloaded context|failed to load cache key|invalid response status/.test(error)) {
    return undefined;
  }
  if (status === undefined || status.startsWith("5")) {
    throw new Fault("unavailable", `the builder cannot fetch the build context: ${error}`, {
      publicMessage: "The build context could not be fetched from the object store. Try again in a moment.",
    });
  }
  const why = status === "404"
    ? "it is not there"
    : `access was refused (${status}): its URL may have expired`;
  return failed(
    "context_invalid",
    `The build context could not be fetched: ${why}. Deploy again to upload it anew.`,
  );
}

function dockerfileFailure(error: string, dockerfile: string, record: BuildRecord): BuildFailure | undefined {
  if (/failed to read dockerfile|lstat .*: no such file|dockerfile.*no such file/i.test(error)) {
    if (!record.contextUnpacked) return notAnArchive();
    const message =
      `There is no file "${dockerfile}" in the build context. Create it, or name another one with ` +
      `--dockerfile. A file that .dockerignore excludes is not part of the context.`;
    return failed("dockerfile_missing", message);
  }
  const parse =
    /(dockerfile parse error.*|no build stage in current context|the Dockerfile cannot be empty|file with no instructions.*|unknown instruction.*|failed to parse stage name.*|invalid reference format.*)$/i
      .exec(error)?.[1];
  if (parse === undefined) return undefined;
  // A context that is no archive is taken for a Dockerfile.
  if (!record.contextUnpacked) return notAnArchive();
  return failed("build_failed", `The Dockerfile "${dockerfile}" is not valid: ${parse}`);
}

function notAnArchive(): BuildFailure {
  const message =
    "The build context is not a tar archive. Deploy again with the unkey command line, which makes one.";
  return failed("context_invalid", message);
}

const IMAGE_STEP = /(?:load metadata for|resolve image config for|FROM) (\S+)/;

function imageFailure(error: string, record: BuildRecord): BuildFailure | undefined {
  const name = record.failed?.name ?? "";
  const image = IMAGE_STEP.exec(name)?.[1];
  if (image === undefined) return undefined;
  const why = record.failed?.error ?? error;
  const hint =
    /no such host|connection refused|i\/o timeout|network is unreachable|connection reset/.test(why)
      ? "The builder cannot reach the registry: check its network, or import the image into the engine first."
      : "Check its name and tag, and whether it is private.";
  return {
    ...failed(
      "build_failed",
      `The base image ${image} could not be pulled. ${hint} The registry's answer: ${why}`,
    ),
    instruction: name,
  };
}

function stepFailure(error: string, record: BuildRecord): BuildFailure {
  const step = record.failed;
  const missing =
    /failed to (?:compute cache key|calculate checksum[^:]*):.*?"([^"]+)"[^"]*not found/.exec(error)?.[1] ??
      /failed to compute cache key:.*failed to walk.*?([^/\s:]+): no such file/.exec(error)?.[1];
  if (missing !== undefined) {
    const message =
      `The Dockerfile copies "${missing.replace(/^\//, "")}", which is not in the build context. ` +
      "Check the path, and whether .dockerignore excludes it.";
    return { ...failed("build_failed", message), ...(step && { instruction: instructionOf(step.name) }) };
  }
  if (step === undefined) return failed("build_failed", `The build failed: ${error}`);
  const code = /exit code: (\d+)/.exec(step.error)?.[1];
  const instruction = instructionOf(step.name);
  const message = code === undefined
    ? `"${instruction}" failed: ${step.error}`
    : `"${instruction}" failed with exit code ${code}.`;
  return {
    kind: "failed",
    code: "build_failed",
    message,
    instruction,
    ...(code === undefined ? {} : { exitCode: Number(code) }),
    lastLines: step.lastLines,
  };
}

/** `[build 2/3] RUN make` is the instruction `RUN make`. */
function instructionOf(name: string): string {
  return name.replace(/^\[[^\]]*\]\s*/, "");
}

function failed(code: BuildFailure["code"], message: string): BuildFailure {
  return { kind: "failed", code, message, lastLines: [] };
}
