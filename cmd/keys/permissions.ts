import { UsageError } from "../../pkg/cli/mod.ts";

/** Sets of permissions by the names that users type. */
const READ = ["read_deployment", "read_logs", "read_project", "read_environment"];
const DEPLOY = [
  ...READ,
  "generate_upload_url",
  "create_deployment",
  "cancel_deployment",
  "promote_deployment",
  "rollback_deployment",
  "stop_deployment",
  "start_deployment",
];
const SETS: Readonly<Record<string, (project: string) => readonly string[]>> = {
  read: (project) => [...READ.map((action) => `project.${project}.${action}`), "workspace.read_status"],
  deploy: (project) => [...DEPLOY.map((action) => `project.${project}.${action}`), "workspace.read_status"],
  all: () => ["*"],
};

/**
 * Replaces each name of a set by its permissions in a project, or in all with `*`. Single permissions are checked by the
 * control plane.
 *
 * @throws `UsageError` for a word that is neither
 */
export function expandPermissions(given: readonly string[], project: string): readonly string[] {
  const unknown = given.find((each) => SETS[each] === undefined && each !== "*" && !each.includes("."));
  if (unknown !== undefined) {
    const names = Object.keys(SETS).join(", ");
    throw new UsageError(
      `--permissions (UNKEY_KEY_PERMISSIONS) has "${unknown}": take ${names}, or single ones like project.*.read_logs.`,
    );
  }
  return [...new Set(given.flatMap((each) => SETS[each]?.(project) ?? [each]))];
}
