import type { HandlerContext } from "@connectrpc/connect";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { principalOf, type RegionPrincipal } from "../../internal/auth/principal.ts";
import { invalid } from "../../internal/validate/mod.ts";

/**
 * The agent of the region that the caller's token stands for.
 *
 * @throws `permission_denied` when the message or the header `x-krane-region` names another one
 */
export function agentOf(context: HandlerContext): RegionPrincipal {
  const agent = principalOf(context.values, "region");
  const named = context.requestHeader.get("x-krane-region");
  if (named !== null) requireSame(agent.region, named);
  return agent;
}

/** Its region alone. @throws `permission_denied` */
export function regionOf(context: HandlerContext): string {
  return agentOf(context).region;
}

/** The same for streams, whose messages must name the region. */
export function streamRegionOf(context: HandlerContext, named: string): string {
  if (named === "") throw invalid("region", "is required");
  const { region } = principalOf(context.values, "region");
  requireSame(region, named);
  return region;
}

function requireSame(own: string, named: string): void {
  if (named === own) return;
  throw publicFault("permission_denied", `This token is for the region "${own}" and no other.`);
}
