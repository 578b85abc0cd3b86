import assert from "node:assert/strict";
import { Fault } from "../../../../../pkg/fault/mod.ts";
import type { Cluster } from "../../../../../pkg/kube/mod.ts";
import { millicoresOf, podUsage } from "./pod_usage.ts";
import { DESIRED } from "./testing_manifests.ts";

Deno.test("millicoresOf() reads the quantities of the metrics API", () => {
  const cases: readonly [string, number | undefined][] = [
    ["0", 0],
    ["156340000n", 156],
    ["250000u", 250],
    ["250m", 250],
    ["2", 2_000],
    ["1.5", 1_500],
    ["1k", 1_000_000],
    ["", undefined],
    ["much", undefined],
  ];
  for (const [text, millicores] of cases) assert.equal(millicoresOf(text), millicores, text);
});

/** The metrics API is served by metrics-server, which this machine does not have: its form is that of its documentation. */
Deno.test("podUsage() asks once for each namespace, and sums up the containers of a pod", async () => {
  const asked: string[] = [];
  const pod = (name: string, ...cpu: readonly string[]) => ({
    metadata: { name },
    containers: cpu.map((each, at) => ({ name: `c${at}`, usage: { cpu: each, memory: "1Ki" } })),
  });
  const items = [pod("web-1", "100m", "50m"), pod("web-2", "1500000000n"), pod("odd", "much")];
  const cluster: Cluster = {
    server: "https://cluster",
    call: ({ path }) => (asked.push(path), Promise.resolve(Response.json({ kind: "PodMetricsList", items }))),
    close: () => undefined,
  };
  const signal = new AbortController().signal;
  const namespaces = ["ns-a", "ns-a", "ns-b"].map((namespace) => ({ ...DESIRED, namespace }));
  const usages = await podUsage(cluster, namespaces, signal);
  assert.deepEqual(asked, [
    "/apis/metrics.k8s.io/v1beta1/namespaces/ns-a/pods",
    "/apis/metrics.k8s.io/v1beta1/namespaces/ns-b/pods",
  ]);
  assert.deepEqual(usages.slice(0, 2), [
    { name: "web-1", cpuMillicores: 150 },
    { name: "web-2", cpuMillicores: 1_500 },
  ]);
  assert.deepEqual(await podUsage(cluster, [], signal), []);
  const without: Cluster = { ...cluster, call: () => Promise.reject(new Fault("not_found", "no such API")) };
  await assert.rejects(podUsage(without, namespaces, signal), /no such API/);
});
