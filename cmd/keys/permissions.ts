/** What people call a set of permissions. */
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

/** The names of sets, for help. */
export const SET_NAMES = Object.keys(SETS);

/** Each name of a set replaced by what it stands for in a project, or in all with `*`; the rest is the server's to check. */
export function expandPermissions(given: readonly string[], project: string): readonly string[] {
  return [...new Set(given.flatMap((each) => SETS[each]?.(project) ?? [each]))];
}
