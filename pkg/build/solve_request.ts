import { create } from "@bufbuild/protobuf";
import { type SolveRequest, SolveRequestSchema } from "../../proto/gen/moby/buildkit/v1/control_pb.ts";
import type { Policy } from "../../proto/gen/moby/buildkit/v1/sourcepolicy/policy_pb.ts";
import type { BuildRequest } from "./builder.ts";
import { type FrontendImage, SYNTAX_ARG } from "./policy/frontend_image.ts";

/** An argument that BuildKit's Dockerfile frontend takes for itself. */
const CACHE_NAMESPACE_ARG = "BUILDKIT_CACHE_MOUNT_NS";

/** The names by which the Dockerfile frontend asks for folders. */
export const FOLDER = { context: "context", dockerfile: "dockerfile" } as const;

/** Where the image goes, in terms of BuildKit. */
export interface Exporter {
  readonly type: "image" | "moby";
  readonly attrs: Readonly<Record<string, string>>;
}

/** Properties of the builder that a request depends on. */
export interface SolveOptions {
  readonly ref: string;
  readonly session: string;
  readonly exporter: Exporter;
  readonly sourcePolicy: Policy;
  /** The frontend that the Dockerfile asks for; `undefined`: the one inside BuildKit. */
  readonly frontendImage?: FrontendImage | undefined;
  /** Control group on the builder's machine below which instructions run; `undefined`: the builder's own. */
  readonly cgroupParent?: string;
}

/** The build as BuildKit takes it. */
export function solveRequest(
  request: BuildRequest,
  options: SolveOptions,
): SolveRequest {
  const { ref, session, exporter: { type, attrs }, sourcePolicy } = options;
  return create(SolveRequestSchema, {
    ref,
    session,
    frontend: "dockerfile.v0",
    frontendAttrs: { ...frontendAttrs(request), ...builderAttrs(options) },
    exporters: [{ type, attrs: { ...attrs } }],
    exporterDeprecated: type,
    exporterAttrsDeprecated: { ...attrs },
    sourcePolicy,
  });
}

/**
 * BuildKit would look for a frontend in the Dockerfile by itself, and might find another one than was checked: the argument names
 * the checked one, and a command line makes it look for none.
 */
function builderAttrs({ frontendImage, cgroupParent }: SolveOptions): Record<string, string> {
  return {
    ...(frontendImage === undefined
      ? { cmdline: "" }
      : { [`build-arg:${SYNTAX_ARG}`]: frontendImage.commandLine }),
    ...(cgroupParent === undefined ? {} : { "cgroup-parent": cgroupParent }),
  };
}

function frontendAttrs(
  { dockerfile, labels, options, cacheNamespace }: BuildRequest,
): Record<string, string> {
  const { target, noCache, pull, platform } = options;
  return {
    filename: fileName(dockerfile.path),
    ...prefixed("label:", labels),
    ...prefixed("build-arg:", options.arguments),
    [`build-arg:${CACHE_NAMESPACE_ARG}`]: cacheNamespace,
    "image-resolve-mode": pull ? "pull" : "local",
    ...(target === undefined ? {} : { target }),
    ...(platform === undefined ? {} : { platform }),
    // Empty: for all stages.
    ...(noCache ? { "no-cache": "" } : {}),
  };
}

/** The name under which the Dockerfile is alone in its folder. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function prefixed(prefix: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
}
