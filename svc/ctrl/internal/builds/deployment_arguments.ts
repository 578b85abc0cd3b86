import type { DeploymentsTable } from "../store/mod.ts";

/** Facts that a Dockerfile gets when it declares them. */
export function deploymentArguments(row: DeploymentsTable): Readonly<Record<string, string>> {
  return {
    UNKEY_DEPLOYMENT_ID: row.id,
    UNKEY_PROJECT_ID: row.project_id,
    UNKEY_ENVIRONMENT_ID: row.environment_id,
    UNKEY_GIT_COMMIT_SHA: row.git_commit_sha,
    UNKEY_GIT_BRANCH: row.git_branch,
    UNKEY_GIT_COMMIT_AUTHOR_HANDLE: row.git_commit_author_handle,
  };
}
