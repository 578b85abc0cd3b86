/** Troubles of apps that are live: the edge keeps an address, and the reason is reported and printed. */
import assert from "node:assert/strict";
import { shell, Status, until, WEB_SERVER } from "../../svc/krane/testing.ts";
import { HealthCheck_Kind } from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { isRunning } from "../../svc/krane/internal/runtime/kubernetes/status.ts";
import { onCluster } from "../testbed/cluster.ts";
import { KraneBed } from "./krane_bed.ts";

onCluster("an app that ends runs again, and its end is reported and in its output", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const { plane } = bed;
  const name = bed.name();
  await bed.agent();
  // The second run of the container finds no file of the first one, but the pod's name and a later time.
  const script = `[ "$(( $(date +%s) - START ))" -gt 8 ] || { echo first; sleep 9; exit 3; }; ${WEB_SERVER}`;
  const environmentVariables = { START: String(Math.floor(Date.now() / 1_000)) };
  await plane.snapshot(0, 1, bed.apply(name, 1, { command: shell(script), environmentVariables }));
  const instance = await until(
    "the app runs again",
    () => plane.instances(name).find(({ status }) => status === Status.RUNNING),
  );
  assert.deepEqual([instance.lastEnd?.reason, instance.lastEnd?.exitCode], ["exited", 3]);
  assert.equal(instance.lastEnd?.message, "The app ended with exit code 3.");
  const texts = (): (string | undefined)[] => plane.lines.map(({ text }) => text);
  await until("the line", () => texts().includes("(unkey: The app ended with exit code 3.)"));
  assert.ok(texts().indexOf("first") < texts().indexOf("(unkey: The app ended with exit code 3.)"));
});

onCluster("the only pod keeps its address while its health check fails, and says why", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const { plane } = bed;
  const name = bed.name();
  await bed.agent();
  const script = `${WEB_SERVER.replace(/ wait$/, "")} touch /tmp/www/healthz; sleep 5; echo "no database"; ` +
    "rm /tmp/www/healthz; sleep 25; touch /tmp/www/healthz; sleep 600 & wait";
  const changes = { command: shell(script), healthCheckPath: "/healthz" };
  await plane.snapshot(0, 1, bed.apply(name, 1, changes));
  const [healthy] = await plane.settled(name, Status.RUNNING);
  const failing = await until(
    "the reason",
    () => plane.instances(name).find(({ reason }) => reason === "unhealthy"),
  );
  assert.deepEqual([failing.status, failing.address], [Status.RUNNING, healthy?.address]);
  assert.match(failing.message ?? "", /GET \/healthz on port 3000 does not answer 2xx or 3xx/);
  assert.ok(failing.lastLogLines?.includes("no database"));
  await until("the recovery", () => plane.instances(name).some(({ reason }) => reason === ""));
});

/** The threshold takes a minute here; the node's events show the first bad answers. */
onCluster("a failing check is reported and printed while its pod is still ready", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const { plane } = bed;
  const name = bed.name();
  await bed.agent();
  const script = `${WEB_SERVER.replace(/ wait$/, "")} touch /tmp/www/healthz; sleep 5; echo "no database"; ` +
    "rm /tmp/www/healthz; sleep 12; touch /tmp/www/healthz; sleep 600 & wait";
  const healthCheck = { kind: HealthCheck_Kind.HTTP, path: "/healthz", method: "GET", unhealthyMs: 60_000 };
  await plane.snapshot(0, 1, bed.apply(name, 1, { command: shell(script), healthCheck }));
  const [healthy] = await plane.settled(name, Status.RUNNING);
  const failing = await until(
    "the reason",
    () => plane.instances(name).find(({ reason }) => reason === "unhealthy"),
  );
  assert.deepEqual([failing.status, failing.address], [Status.RUNNING, healthy?.address]);
  assert.match(
    failing.message ?? "",
    /GET \/healthz on port 3000 does not answer 2xx or 3xx \(it answered 404\)/,
  );
  assert.ok((await bed.pods(name)).every(isRunning), "no threshold has been reached");
  const texts = (): (string | undefined)[] => plane.lines.map(({ text }) => text);
  await until("the line", () => texts().includes("(unkey: the health check fails: it answered 404)"));
  await until("the recovery", () => plane.instances(name).some(({ reason }) => reason === ""));
  await until("its line", () => texts().includes("(unkey: the health check succeeds again)"));
});

onCluster("an app that hangs is reported after the first question without an answer", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const { plane } = bed;
  const name = bed.name();
  await bed.agent();
  const script = `${WEB_SERVER.replace(/ wait$/, "")} sleep 5; killall -STOP httpd; sleep 600 & wait`;
  const healthCheck = { kind: HealthCheck_Kind.HTTP, path: "/", method: "GET", unhealthyMs: 60_000 };
  await plane.snapshot(0, 1, bed.apply(name, 1, { command: shell(script), healthCheck }));
  await plane.settled(name, Status.RUNNING);
  await until(
    "the reason",
    () => plane.instances(name).some(({ message }) => /no answer within 3 s/.test(message ?? "")),
  );
  assert.ok((await bed.pods(name)).every(isRunning), "no threshold has been reached");
});
