import type { Clock } from "../../../../pkg/clock/mod.ts";
import {
  certificateHostname,
  PLATFORM_WORKSPACE,
  requestCertificate,
} from "../../internal/certificates/mod.ts";
import { type CtrlDatabase, hasRoute } from "../../internal/store/mod.ts";
import { text } from "../../internal/validate/mod.ts";
import type { Workflows } from "../../internal/workflows/mod.ts";

export interface WantDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly workflows: Pick<Workflows, "processCertificate">;
  /** Names of deployments are below it. */
  readonly defaultDomain: string;
}

const NAME_CHARACTERS_MAX = 255;

/**
 * Orders a certificate for a name of a deployment, once. Names of others are not ordered here: an edge may be wrong, and the
 * certificates of a user's own domain belong to its workspace.
 *
 * @returns true if it is on its way
 */
export async function wantCertificate(
  { db, clock, workflows, defaultDomain }: WantDeps,
  given: string,
): Promise<boolean> {
  const hostname = certificateHostname("hostname", text("hostname", given, NAME_CHARACTERS_MAX));
  const label = hostname.endsWith(`.${defaultDomain}`) ? hostname.slice(0, -defaultDomain.length - 1) : "";
  if (label === "" || label.includes(".") || label === "*") return false;
  if (!await hasRoute(db.kysely, hostname)) return false;
  await requestCertificate({ db, clock, workflows }, { workspaceId: PLATFORM_WORKSPACE, hostname });
  return true;
}
