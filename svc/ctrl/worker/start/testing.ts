/** A stopped deployment and the ways to start it, for the tests of this folder. */
import type { TestEnvironment } from "../testing_environment.ts";

/** An environment in which d1, d2 and d3 were live one after the other, and d1 is stopped. */
export async function withStopped(environment: TestEnvironment): Promise<readonly [string, string, string]> {
  const d1 = await environment.deployNew();
  const d2 = await environment.deployNew();
  const d3 = await environment.deployNew();
  await environment.stopNow(d1);
  return [d1, d2, d3];
}

export function rollbackFrom(sourceDeploymentId: string): Parameters<TestEnvironment["start"]>[1] {
  return { kind: "rollback", sourceDeploymentId, cancels: false };
}
