import { create } from "@bufbuild/protobuf";
import { type SolveRequest, SolveRequestSchema } from "../../proto/gen/moby/buildkit/v1/control_pb.ts";
import { CACHE_NAMESPACE_ARG } from "../docker/mod.ts";
import { MatchType, PolicyAction } from "../../proto/gen/moby/buildkit/v1/sourcepolicy/policy_pb.ts";
import type { BuildAndPushRequest } from "./build.ts";

const POLICY_VERSION = 1n;

/**
 * The build as the daemon takes it.
 *
 * The session's credentials open the whole registry, and a Dockerfile may name any base image: the policy keeps each build
 * to images that are not in the registry, or its owner's.
 */
export function solveRequest(ref: string, session: string, request: BuildAndPushRequest): SolveRequest {
  const { contextUrl, dockerfile, reference, labels, registry, ownImages, cacheNamespace } = request;
  const labelAttrs = Object.entries(labels).map(([name, value]) => [`label:${name}`, value]);
  return create(SolveRequestSchema, {
    ref,
    session,
    frontend: "dockerfile.v0",
    frontendAttrs: {
      context: contextUrl,
      filename: dockerfile,
      [`build-arg:${CACHE_NAMESPACE_ARG}`]: cacheNamespace,
      ...Object.fromEntries(labelAttrs),
    },
    exporters: [{
      type: "image",
      attrs: { name: reference, push: "true", "oci-mediatypes": "true" },
    }],
    sourcePolicy: {
      version: POLICY_VERSION,
      rules: [
        { action: PolicyAction.DENY, selector: sources(`${registry.name}/`) },
        { action: PolicyAction.ALLOW, selector: sources(ownImages) },
      ],
    },
  });
}

/** Sources of any kind whose name begins with `prefix`; hosts are the same in any case, and with the port that they have anyway. */
function sources(prefix: string): { readonly identifier: string; readonly matchType: MatchType } {
  const slash = prefix.indexOf("/");
  const host = prefix.slice(0, slash).replace(/:(443|80)$/, "");
  const port = host.includes(":") ? "" : "(:443|:80)?";
  const identifier = `^(?i:[a-z+-]+://${literal(host)}${port}${literal(prefix.slice(slash))})`;
  return { identifier, matchType: MatchType.REGEX };
}

function literal(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9/]/g, (char) => `\\${char}`);
}
