import { z } from "zod";
import type { GuardedAnswer } from "./guarded_request.ts";
import type { Reference } from "./reference.ts";
import { type Inquiry, openRepository } from "./repository.ts";

/** The media types of manifests, of single images and of several platforms. */
export const MANIFEST_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

const Descriptor = z.object({ digest: z.string().regex(/^sha256:[a-f0-9]{64}$/) });

/** Either an image's manifest, or an index of several platforms. */
export const Manifest = z.object({
  config: Descriptor.optional(),
  manifests: z.array(Descriptor.extend({
    platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
  })).optional(),
});

/**
 * The answer to a question for an image's manifest, by its digest or else its tag. `undefined`: the registry wants an authorization
 * that cannot be had.
 *
 * @throws `permission_denied` for a registry that is at a private address, or leads to one; `unavailable` when it does not answer
 */
export function headManifest(
  reference: Reference,
  inquiry: Inquiry,
): Promise<GuardedAnswer | undefined> {
  const path = manifestPath(reference);
  return openRepository(reference, inquiry).ask({ method: "HEAD", path, accept: MANIFEST_TYPES });
}

/** The path of a manifest in its repository. */
export function manifestPath({ tag, digest }: Pick<Reference, "tag" | "digest">): string {
  return `manifests/${digest ?? tag}`;
}
