/** Permissions of root keys: `project.<id or *>.<action>`, `workspace.<action>`, and `*` for everything. */
import { Fault } from "../../../../pkg/fault/mod.ts";
import type { RootKeyPrincipal } from "./principal.ts";

/** Actions on one project, or on all with `*`. */
export const PROJECT_ACTIONS = [
  "generate_upload_url",
  "create_deployment",
  "read_deployment",
  "cancel_deployment",
  "promote_deployment",
  "rollback_deployment",
  "stop_deployment",
  "start_deployment",
  "read_logs",
  "run_command",
  "read_project",
  "create_project",
  "read_environment",
  "create_environment",
  "scale_environment",
  "delete_environment",
  "protect_environment",
  "write_environment_variables",
  "read_domain",
  "manage_domains",
] as const;
export type ProjectAction = typeof PROJECT_ACTIONS[number];

/** Actions on the workspace itself. */
export const WORKSPACE_ACTIONS = [
  "read_status",
  "manage_keys",
  "manage_registries",
  "read_audit_log",
] as const;
export type WorkspaceAction = typeof WORKSPACE_ACTIONS[number];

/** True when the key may do `action` in the project; `*` asks for all projects. */
export function mayInProject(
  { permissions }: RootKeyPrincipal,
  action: ProjectAction,
  project: string,
): boolean {
  return permissions.has("*") || permissions.has(`project.*.${action}`) ||
    permissions.has(`project.${project}.${action}`);
}

/** True when the key may do `action` in at least one project. */
export function mayInSomeProject({ permissions }: RootKeyPrincipal, action: ProjectAction): boolean {
  if (permissions.has("*")) return true;
  for (const each of permissions) if (each.startsWith("project.") && each.endsWith(`.${action}`)) return true;
  return false;
}

export function mayInWorkspace({ permissions }: RootKeyPrincipal, action: WorkspaceAction): boolean {
  return permissions.has("*") || permissions.has(`workspace.${action}`);
}

/** @throws `permission_denied` that names the permission */
export function requireInProject(key: RootKeyPrincipal, action: ProjectAction, project: string): void {
  if (!mayInProject(key, action, project)) throw permissionDenied(`project.${project}.${action}`);
}

/** The fault for a key that lacks `permission`. */
export function permissionDenied(permission: string): Fault {
  const text = `The root key lacks the permission "${permission}". ` +
    `Use a key that has it, or create one with a key that may manage keys.`;
  return new Fault("permission_denied", `missing ${permission}`, { publicMessage: text });
}

const PATTERN = new RegExp(
  `^(\\*|project\\.(\\*|proj_[a-zA-Z0-9]{1,60})\\.(${PROJECT_ACTIONS.join("|")})|workspace\\.(${
    WORKSPACE_ACTIONS.join("|")
  }))$`,
);

/** True when `text` names a permission. */
export function isPermission(text: string): boolean {
  return PATTERN.test(text);
}

/** True when `held` includes `wanted`. */
export function includesPermission(held: ReadonlySet<string>, wanted: string): boolean {
  if (held.has("*") || held.has(wanted)) return true;
  const action = /^project\.[^.]+\.(.+)$/.exec(wanted)?.[1];
  return action !== undefined && held.has(`project.*.${action}`);
}
