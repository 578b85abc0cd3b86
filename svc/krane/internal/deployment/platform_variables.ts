import type { DesiredDeployment } from "./desired.ts";

/**
 * The variables that the platform gives to each instance of a deployment, besides the instance's own id. They win over the
 * user's own of the same name. Facts of the commit that are not known are left out.
 */
export function platformVariables(
  { port, workspaceId, projectId, environmentId, deploymentId, commit }: DesiredDeployment,
  region: string,
): Readonly<Record<string, string>> {
  const ofCommit = {
    UNKEY_GIT_COMMIT_SHA: commit.sha,
    UNKEY_GIT_BRANCH: commit.branch,
    UNKEY_GIT_COMMIT_AUTHOR_HANDLE: commit.authorHandle,
  };
  return {
    PORT: String(port),
    UNKEY_WORKSPACE_ID: workspaceId,
    UNKEY_PROJECT_ID: projectId,
    UNKEY_ENVIRONMENT_ID: environmentId,
    UNKEY_DEPLOYMENT_ID: deploymentId,
    // No process can be given a NUL, and the author's name is any text.
    ...Object.fromEntries(
      Object.entries(ofCommit).filter(([, value]) => value !== "" && !value.includes("\0")),
    ),
    UNKEY_REGION: region,
  };
}
