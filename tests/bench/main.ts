/**
 * Measures every bound that this machine can show, and prints them as one table; `docs/bounds.md` explains them. Ends with
 * exit code 1 when a bound is not met.
 */
// deno-lint-ignore-file no-console -- the table is its output
import { benchApi } from "./api.ts";
import { benchWake } from "./wake.ts";
import { benchAutoscale } from "./autoscale.ts";
import { benchBuild } from "./build.ts";
import { benchCertificate } from "./certificate.ts";
import { benchCli } from "./cli.ts";
import { benchCluster } from "./cluster.ts";
import { benchDashboard } from "./dashboard.ts";
import { benchEdge } from "./edge.ts";
import { benchFeed } from "./feed.ts";
import { benchFeedProperty } from "./feed_property.ts";
import { benchGradual } from "./gradual.ts";
import { benchKubeClient } from "./kube_client.ts";
import { benchLogSearch } from "./log_search.ts";
import { benchMetrics } from "./metrics.ts";
import { benchMigrate } from "./migrate.ts";
import { benchPack } from "./pack.ts";
import { report, type Row } from "./row.ts";
import { benchRetention } from "./retention.ts";
import { benchScale } from "./scale/scale.ts";
import { benchSwitch } from "./switch.ts";
import { benchTenants } from "./tenants.ts";
import { benchFlood } from "./flood.ts";
import { benchTls } from "./tls.ts";
import { benchTraffic } from "./traffic.ts";
import { benchTroubles } from "./troubles.ts";
import { benchUp } from "./up.ts";
import { benchUpload } from "./upload.ts";

const BENCHES: Readonly<Record<string, () => Promise<Row[]>>> = {
  cli: benchCli,
  pack: benchPack,
  upload: benchUpload,
  build: benchBuild,
  up: benchUp,
  api: benchApi,
  edge: benchEdge,
  metrics: benchMetrics,
  traffic: benchTraffic,
  tls: benchTls,
  flood: benchFlood,
  feed: () => benchFeed(),
  feed_property: () => benchFeedProperty(),
  switch: benchSwitch,
  autoscale: benchAutoscale,
  wake: benchWake,
  gradual: () => benchGradual(),
  migrate: benchMigrate,
  retention: benchRetention,
  log_search: benchLogSearch,
  dashboard: benchDashboard,
  cluster: () => benchCluster(),
  kube_client: benchKubeClient,
  certificate: benchCertificate,
  tenants: benchTenants,
  troubles: benchTroubles,
  scale: () => benchScale(),
};

const chosen = Deno.args.length === 0 ? Object.keys(BENCHES) : Deno.args;
const rows: Row[] = [];
for (const name of chosen) {
  const bench = BENCHES[name];
  if (bench === undefined) {
    console.error(`There is no bench "${name}"; there are ${Object.keys(BENCHES).join(", ")}`);
    Deno.exit(2);
  }
  console.error(`measuring ${name}`);
  rows.push(...await bench());
}
report(rows);
// A database server that a bench started after an SQLite database was open keeps Deno from ending by itself.
Deno.exit();
