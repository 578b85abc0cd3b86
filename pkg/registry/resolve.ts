import { describeError, isFault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { headManifest } from "./manifests.ts";
import type { Inquiry } from "./repository.ts";
import { HUB, parseReference, type Reference } from "./reference.ts";
import { addressFor, credentialsFor, type Registry } from "./registry.ts";

export interface DigestResolverOptions {
  /** Asked with its credentials, and trusted. */
  readonly registry: Registry | undefined;
  /** Hosts with port that may be private and may speak plain HTTP. */
  readonly trustedHosts: readonly string[];
  readonly log: Logger;
}

/**
 * Finds out which bytes a tag means now; `undefined` where the registry does not tell.
 *
 * @throws `permission_denied` for a registry that is at a private address, or leads to one
 */
export type DigestResolver = (image: string, signal: AbortSignal) => Promise<string | undefined>;

const RESOLVE_MS_MAX = 5_000;
const DIGEST = /^sha256:[a-f0-9]{64}$/;

/** A resolver over the OCI distribution API. */
export function createDigestResolver({ registry, trustedHosts, log }: DigestResolverOptions): DigestResolver {
  const own = registry?.name.split("/")[0];
  const trusted = new Set([...trustedHosts, ...(own === undefined ? [] : [own])]);
  return async (image, signal) => {
    const reference = parseReference(image);
    if (reference.digest !== undefined) return reference.digest;
    const inquiry: Inquiry = {
      trusted: trustedFrom(reference.host, trusted),
      credentials: credentialsFor(registry, image),
      ...addressFor(registry, reference.host),
      signal: AbortSignal.any([signal, AbortSignal.timeout(RESOLVE_MS_MAX)]),
    };
    try {
      return await digestOf(reference, inquiry);
    } catch (error) {
      signal.throwIfAborted();
      // Docker Hub is the default, and may be a mirror in the own network.
      if (isFault(error, "permission_denied") && reference.host !== HUB) throw error;
      log.info("image not resolved", { image, error: describeError(error) });
      return undefined;
    }
  };
}

/** Trust begins with the name that a user gives: a registry that is not trusted must not lead to one that is trusted. */
export function trustedFrom(host: string, trusted: ReadonlySet<string>): ReadonlySet<string> {
  return trusted.has(host) ? trusted : new Set();
}

async function digestOf(reference: Reference, inquiry: Inquiry): Promise<string | undefined> {
  const answer = await headManifest(reference, inquiry);
  const digest = answer?.headers["docker-content-digest"];
  return answer?.status === 200 && typeof digest === "string" && DIGEST.test(digest) ? digest : undefined;
}
