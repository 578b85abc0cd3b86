/** An app that behaves well beside hostile tenants and strangers: its requests, and those before the attacks began. */
import { besideHostileTenants } from "../testbed/tenants.ts";
import { BOUNDS } from "./bounds.ts";
import { quantile, report, type Row } from "./row.ts";

const QUIET_MS = 30_000;
const HOSTILE_MS = 600_000;

/** Attacks for ten minutes. */
export async function benchTenants(): Promise<Row[]> {
  const { quiet, hostile, deploys } = await besideHostileTenants({
    quietMs: QUIET_MS,
    hostileMs: HOSTILE_MS,
  });
  const [before, beside] = [quiet, hostile].map(({ latenciesMs }) => quantile(latenciesMs, 0.99));
  const failedDeploys = deploys.filter((outcome) => outcome !== "").length;
  return [{
    measure: "requests of an app beside hostile tenants, 10 minutes",
    bound: BOUNDS.tenantsP99,
    measured: `${hostile.failures.length} of ${hostile.latenciesMs.length} failed, p99 ${ms(beside)} (quiet ${
      ms(before)
    }), ${failedDeploys} of ${deploys.length} deploys failed`,
    ok: hostile.failures.length === 0 && failedDeploys === 0 && before !== undefined &&
      beside !== undefined &&
      beside <= BOUNDS.tenantsP99.limit * before,
  }];
}

function ms(value: number | undefined): string {
  return `${value?.toFixed(1)} ms`;
}

if (import.meta.main) {
  report(await benchTenants());
  Deno.exit();
}
