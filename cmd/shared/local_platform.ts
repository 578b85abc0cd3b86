/** The platform that `unkey up` runs on this machine, as its data folder describes it. */
import { join, resolve } from "node:path";
import { z } from "zod";
import { Secret } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";

/** The data folder of the service that `unkey up --install` sets up. */
export const SERVICE_DATA_FOLDER = "/var/lib/unkey";

export interface LocalPlatform {
  readonly serviceToken: Secret;
  /** As this machine reaches it. */
  readonly apiUrl: string;
  /** As other machines reach it; `undefined` when they do not. */
  readonly publicApiUrl: string | undefined;
  readonly workspaceId: string;
}

const State = z.object({
  serviceToken: z.string(),
  workspaceId: z.string(),
  apiUrl: z.string(),
  publicApiUrl: z.string().optional(),
});

/**
 * Reads the data folder of a platform that has been started once.
 *
 * @throws `failed_precondition` when there is none, or when this user may not read it
 */
export async function readLocalPlatform(cwd: string, folder: string): Promise<LocalPlatform> {
  const path = join(resolve(cwd, folder), "state.json");
  try {
    const { serviceToken, ...state } = State.parse(JSON.parse(await Deno.readTextFile(path)));
    return { publicApiUrl: undefined, ...state, serviceToken: new Secret(serviceToken) };
  } catch (error) {
    const isForbidden = error instanceof Deno.errors.PermissionDenied;
    const text = isForbidden
      ? `${path} may be read by its owner only. Run the command with sudo.`
      : `There is no platform of "unkey up" in ${resolve(cwd, folder)}, or it was never ready. ` +
        "Name its folder with --data-dir, or set UNKEY_AUTH_TOKEN.";
    throw publicFault("failed_precondition", text);
  }
}
