/** A real Prometheus scrapes api, worker, krane and edge while they work, and its alerts fire when a part is gone. */
import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { issueCertificate, makeAuthority } from "../../pkg/local_authority/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { newId } from "../../pkg/uid/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { sealCertificateKey } from "../../svc/ctrl/internal/certificates/mod.ts";
import { openVault } from "../../svc/ctrl/internal/vault/mod.ts";
import { openCtrlDatabase, storeCertificate } from "../../svc/ctrl/internal/store/mod.ts";
import { expressionsOf, readDashboard } from "../observe/dashboard.ts";
import { hasPrometheus, Prometheus } from "../observe/prometheus.ts";
import { serves } from "../testbed/apps.ts";
import { answers, Testbed, writeApp } from "../testbed/testbed.ts";
import { eventually, freePort } from "../testbed/wait.ts";
import { CATALOGUE } from "../../dev/metrics_page.ts";

const DAY_MS = 24 * 3_600_000;
const PARTS = ["api", "worker", "krane", "edge"] as const;
type Part = typeof PARTS[number];

/** A certificate that ends in three days, where a worker would have put it. */
async function storeEndingCertificate(bed: Testbed): Promise<void> {
  const clock = systemClock();
  const db = await openCtrlDatabase(new Secret(bed.databaseUrl), { migrate: false, log: silentLogger() });
  try {
    const nowMs = clock.now();
    const hostname = "ending.localhost";
    const authority = await makeAuthority({ nowMs: nowMs - 1_000 * DAY_MS });
    const probe = await issueCertificate(authority, { hostname, nowMs });
    const issuedAtMs = nowMs - (probe.notAfterMs - nowMs) + 3 * DAY_MS;
    const issued = await issueCertificate(authority, { hostname, nowMs: issuedAtMs });
    const keys = { vaultMasterKeys: new Secret(bed.masterKey), dataKeyDays: 30, dataKeyUses: 1_000 };
    const vault = openVault(keys, { db, clock });
    const { workspaceId } = bed;
    const key = await sealCertificateKey(vault, { workspaceId, hostname }, new Secret(issued.privateKeyPem));
    const certificate = {
      id: newId("certificate", nowMs),
      workspace_id: workspaceId,
      hostname,
      chain: issued.certificateChainPem,
      encrypted_private_key: key,
      not_before: issuedAtMs,
      not_after: issued.notAfterMs,
      renew_at: issued.notAfterMs,
      advice_at: issued.notAfterMs,
      renewal_id: "",
      directory_url: "https://ca.example",
    };
    await transact(db, (tx) => storeCertificate(tx, certificate, nowMs));
  } finally {
    await db.close();
  }
}

/** A deploy, visitors, a wrong name, a wrong key: an hour of a platform in a few seconds. */
async function work(bed: Testbed): Promise<void> {
  const { slug } = await bed.project("shop");
  const folder = await writeApp(bed, serves("counted"));
  const { code, stdout, stderr } = await bed.unkey(["deploy", folder, "--project", slug, "--json"]);
  assert.equal(code, 0, stderr);
  const [url = ""]: string[] = JSON.parse(stdout).urls;
  await answers(bed, url, "counted");
  for (let i = 0; i < 20; i++) assert.equal((await bed.get(url)).status, 200);
  assert.equal((await bed.get(`http://missing.localhost:${bed.ports.edge}`)).status, 404);
  const stranger = createRpcClient(DeploymentService, {
    baseUrl: bed.apiUrl,
    token: new Secret("unkey_wrong"),
  });
  await assert.rejects(stranger.getDeployment({ deploymentId: "d_1" }));
}

/** An expression of a panel, as Grafana sends it. */
function sent(expr: string): string {
  return expr.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".*");
}

Deno.test({
  name: "Prometheus scrapes the platform, the dashboard has series, and alerts fire",
  ignore: !await hasPrometheus(),
  fn: async (t) => {
    const ports: Record<Part, number> = {
      api: freePort(),
      worker: freePort(),
      krane: freePort(),
      edge: freePort(),
    };
    const env = (part: Part): Record<string, string> => ({ UNKEY_PROMETHEUS_PORT: String(ports[part]) });
    await using bed = await Testbed.start({
      apiEnv: env("api"),
      workerEnv: { ...env("worker"), UNKEY_WORKER_HOST: "127.0.0.1" },
      kraneEnv: { ...env("krane"), UNKEY_HTTP_HOST: "127.0.0.1" },
      edgeEnv: env("edge"),
    });
    await storeEndingCertificate(bed);
    const targets = Object.fromEntries(PARTS.map((part) => [part, `127.0.0.1:${ports[part]}`]));
    await using prometheus = await Prometheus.start(targets);
    const isFiring = async (name: string): Promise<boolean> => (await prometheus.firing()).has(name);

    await t.step("all parts are scraped without an error", async () => {
      await eventually("four targets that are up", async () => {
        const all = await prometheus.targets();
        return all.length === PARTS.length && all.every(({ health }) => health === "up");
      });
      const errors = (await prometheus.targets()).map(({ lastError }) => lastError).filter((each) =>
        each !== ""
      );
      assert.deepEqual(errors, []);
    });

    await t.step("each panel of the dashboard has series", async () => {
      await work(bed);
      for (const expr of expressionsOf(await readDashboard())) {
        await eventually(expr, async () => (await prometheus.query(sent(expr))).length > 0);
      }
    });

    await t.step("the parts have no metric and no part that the list lacks", async () => {
      const known = new Map(
        CATALOGUE.flatMap(({ specs, parts }) =>
          specs.flatMap(({ name, kind }) =>
            (kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name])
              .map((each) => [each, new Set(parts)] as const)
          )
        ),
      );
      for (const { metric } of await prometheus.query('{job="unkey",__name__=~"unkey_.*|process_.*"}')) {
        const parts = known.get(metric["__name__"] ?? "");
        assert.ok(parts?.has(metric["part"] ?? ""), `${metric["__name__"]} of ${metric["part"]}`);
      }
    });

    await t.step("no label has the name, the id or the host of an app", async () => {
      const series = await prometheus.query('{job="unkey"}');
      assert.ok(series.length > 300);
      const values = new Set(series.flatMap(({ metric }) => Object.values(metric)));
      const hostile = [...values].filter((value) =>
        /shop|localhost|counted|\b(d|ws|proj|env)_\w{8}/.test(value)
      );
      assert.deepEqual(hostile, []);
    });

    await t.step("an alert fires for a certificate that is about to end", async () => {
      await eventually("the alert", () => isFiring("UnkeyCertificateEnds"));
      const own = (await prometheus.alerts()).filter(({ labels }) =>
        labels["alertname"] === "UnkeyCertificateEnds"
      );
      assert.deepEqual(own.map(({ labels }) => labels["part"]).toSorted(), ["api", "frontline"]);
      assert.match(own[0]?.annotations["summary"] ?? "", /ends in 2d 23h/);
    });

    await t.step("alerts fire for a region whose agent is gone, and not before", async () => {
      for (const name of ["UnkeyRegionSilent", "UnkeyPartDown"]) {
        assert.equal(await isFiring(name), false, name);
      }
      await bed.parts.krane.kill("SIGKILL");
      await eventually("the alert of the part", () => isFiring("UnkeyPartDown"));
      await eventually("the alert of the region", () => isFiring("UnkeyRegionSilent"), {
        deadlineMs: 180_000,
      });
      const [region] = (await prometheus.alerts()).filter(({ labels }) =>
        labels["alertname"] === "UnkeyRegionSilent"
      );
      assert.equal(region?.labels["region"], bed.region);
    });
  },
});
