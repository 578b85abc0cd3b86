/** Calls with a kubeconfig, for the tests of this folder. */
import assert from "node:assert/strict";
import { describeError, isFault } from "../fault/mod.ts";
import { type Access, type Cluster, clusterVersion, loadAccess, openCluster } from "./mod.ts";
import type { SeenRequest, TlsApi } from "./testing_tls_api.ts";

export const LIMIT_MS = 120_000;

export interface Given {
  readonly kubeconfig: string;
  readonly context?: string;
}

export async function withCluster(
  given: Given,
  work: (cluster: Cluster, access: Access) => Promise<void>,
): Promise<void> {
  const access = await loadAccess(given);
  const cluster = openCluster(access);
  try {
    await work(cluster, access);
  } finally {
    cluster.close();
  }
}

export const ask = (cluster: Cluster): Promise<string> =>
  clusterVersion(cluster, AbortSignal.timeout(LIMIT_MS));

/** The request of one call with a kubeconfig. */
export async function requestWith(api: TlsApi, given: Given): Promise<SeenRequest> {
  await withCluster(given, async (cluster) => assert.equal(await ask(cluster), "v1.36.0"));
  const seen = api.seen.at(-1);
  assert.ok(seen);
  return seen;
}

export async function refusal(given: Given, expected: RegExp): Promise<void> {
  await assert.rejects(loadAccess(given), (error) => {
    assert.ok(isFault(error), describeError(error));
    assert.match(error.publicMessage ?? "", expected);
    return true;
  });
}
