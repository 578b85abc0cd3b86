import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { SessionService } from "../../../../proto/gen/ctrl/v1/session_pb.ts";
import { principalOf, type RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { noSessionCookie, sessionCookie } from "../../internal/auth/site.ts";
import type { SessionDeps } from "./deps.ts";
import { endSession, revokeSession } from "./end.ts";
import { listSessions } from "./list.ts";
import { createLoginLink } from "./login_link.ts";
import { startSession } from "./start.ts";

/** Adapts the use cases of sessions to `ctrl.v1.SessionService`: decode, call, encode, and the cookie. */
export function sessionHandlers(deps: SessionDeps): ServiceImpl<typeof SessionService> {
  return {
    async createLoginLink(_request, context) {
      const { url, expiresAt } = await createLoginLink(deps, callerOf(context));
      return { url, expiresAt: BigInt(expiresAt) };
    },
    async startSession(request, context) {
      const { id, token, expiresAt } = await startSession(deps, context.requestHeader, request);
      const seconds = Math.floor((expiresAt - deps.clock.now()) / 1_000);
      context.responseHeader.append("set-cookie", sessionCookie(token, seconds));
      return { sessionId: id, expiresAt: BigInt(expiresAt) };
    },
    async endSession(_request, context) {
      await endSession(deps, callerOf(context));
      context.responseHeader.append("set-cookie", noSessionCookie());
      return {};
    },
    async listSessions(_request, context) {
      const caller = callerOf(context);
      return {
        sessions: (await listSessions(deps, caller)).map((each) => ({
          id: each.id,
          keyId: each.key_id,
          keyName: each.key_name,
          browser: each.browser,
          createdAt: BigInt(each.created_at),
          lastSeenAt: BigInt(each.last_seen_at),
          expiresAt: BigInt(each.expires_at),
          current: each.id === caller.sessionId,
        })),
      };
    },
    async revokeSession({ sessionId }, context) {
      await revokeSession(deps, callerOf(context), sessionId);
      return {};
    },
  };
}

function callerOf(context: HandlerContext): RootKeyPrincipal {
  return principalOf(context.values, "root_key");
}
