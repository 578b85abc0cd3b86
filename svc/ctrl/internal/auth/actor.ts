import type { AuditActor } from "../store/mod.ts";
import type { RootKeyPrincipal, ServicePrincipal } from "./principal.ts";

/** The caller as the audit log names it. */
export function actorOf(caller: RootKeyPrincipal | ServicePrincipal): AuditActor {
  return caller.kind === "service"
    ? { kind: "service" }
    : { kind: "root_key", id: caller.keyId, name: caller.keyName };
}
