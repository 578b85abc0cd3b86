/** Closed sets of words that columns hold, shared by the schema and the statements. */

/** A developer's key, an operator's token, or the platform by itself. */
export type AuditActorKind = "root_key" | "service" | "system";

/** Resource and verb. */
export type AuditAction =
  | "workspace.create"
  | "workspace.set_limit"
  | "project.create"
  | "environment.create"
  | "environment.delete"
  | "environment.scale"
  | "environment.set_idle_end"
  | "environment.settings"
  | "variables.set"
  | "variables.remove"
  | "deployment.create"
  | "deployment.redeploy"
  | "deployment.cancel"
  | "deployment.supersede"
  | "deployment.promote"
  | "deployment.rollback"
  | "deployment.stop"
  | "deployment.start"
  | "deployment.remove_image"
  | "run.create"
  | "run.cancel"
  | "root_key.create"
  | "root_key.revoke"
  | "login_code.create"
  | "session.start"
  | "session.end"
  | "session.revoke"
  | "registry.add"
  | "registry.remove"
  | "domain.add"
  | "domain.set"
  | "domain.retry"
  | "domain.verify"
  | "domain.lose"
  | "domain.remove"
  | "region_token.create"
  | "region_token.revoke";

export type AuditResourceType =
  | "workspace"
  | "project"
  | "environment"
  | "deployment"
  | "run"
  | "root_key"
  | "login_code"
  | "session"
  | "region_token"
  | "registry"
  | "domain";
