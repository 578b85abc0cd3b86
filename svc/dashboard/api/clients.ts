/** The same RPCs as the command line calls. The browser sends the session's cookie along. */
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { AdminService } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { CronService } from "../../../proto/gen/ctrl/v1/cron_pb.ts";
import { CustomDomainService } from "../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../../proto/gen/ctrl/v1/environment_pb.ts";
import { SessionService } from "../../../proto/gen/ctrl/v1/session_pb.ts";
import { createPageActs, type PageActs } from "../palette/page_acts.ts";
import { Live } from "./live.ts";
import type { Visibility } from "./visible.ts";

export interface Api {
  readonly clock: Pick<Clock, "now">;
  readonly live: Live;
  readonly pageActs: PageActs;
  readonly admin: Client<typeof AdminService>;
  readonly crons: Client<typeof CronService>;
  readonly deployments: Client<typeof DeploymentService>;
  readonly domains: Client<typeof CustomDomainService>;
  readonly environments: Client<typeof EnvironmentService>;
  readonly sessions: Client<typeof SessionService>;
}

/** The longest that a call may take that waits for nothing, in milliseconds. */
export const CALL_MS_MAX = 20_000;

/** A stream that was cut begins again after so many milliseconds. */
const AGAIN_MS = 1_000;

/** @param origin the page's own */
export function createApi(origin: string, page: Visibility, clock: Pick<Clock, "now">): Api {
  const transport = createConnectTransport({ baseUrl: origin });
  const deployments = createClient(DeploymentService, transport);
  return {
    clock,
    pageActs: createPageActs(),
    live: new Live({ deployments, page, againMs: AGAIN_MS }),
    admin: createClient(AdminService, transport),
    crons: createClient(CronService, transport),
    deployments,
    domains: createClient(CustomDomainService, transport),
    environments: createClient(EnvironmentService, transport),
    sessions: createClient(SessionService, transport),
  };
}

/** `signal` with a deadline. */
export function soon(signal: AbortSignal): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MS_MAX)]) };
}
