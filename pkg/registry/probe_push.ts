import { parseReference } from "./reference.ts";
import { addressFor, type Registry } from "./registry.ts";
import { openRepository } from "./repository.ts";

/** `refused`: with the status of the registry's answer; `unauthorized`: no authorization could be had. */
export type PushRight =
  | { readonly kind: "allowed" }
  | { readonly kind: "unauthorized" }
  | { readonly kind: "refused"; readonly status: number };

/** The name of the repository that is asked for; nothing is ever put there. */
const REPOSITORY = "unkey-preflight";
const BEGUN = 202;

/**
 * Begins an upload and cancels it: a registry has no other check of the right to push.
 *
 * @throws `unavailable` when the registry does not answer
 */
export async function probePush(registry: Registry, signal: AbortSignal): Promise<PushRight> {
  const reference = parseReference(`${registry.name}/${REPOSITORY}:none`);
  const repository = openRepository(reference, {
    trusted: new Set([reference.host]),
    credentials: registry.credentials,
    ...addressFor(registry, reference.host),
    signal,
  });
  const begun = await repository.ask({ method: "POST", path: "blobs/uploads/" });
  if (begun === undefined) return { kind: "unauthorized" };
  if (begun.status !== BEGUN) return { kind: "refused", status: begun.status };
  const path = uploadPath(begun.headers.location, `/v2/${reference.path}/`);
  if (path !== undefined) await repository.ask({ method: "DELETE", path });
  return { kind: "allowed" };
}

/** The upload below its repository; `undefined` where the registry names another place. */
function uploadPath(location: string | undefined, prefix: string): string | undefined {
  if (location === undefined || !URL.canParse(location, "https://registry")) return undefined;
  const { pathname, search } = new URL(location, "https://registry");
  return pathname.startsWith(prefix) ? `${pathname.slice(prefix.length)}${search}` : undefined;
}
