/** An app that behaves well, measured while nothing else runs and then beside hostile tenants. */
import { serves } from "./apps.ts";
import { askEdge } from "./ask.ts";
import { Hostility } from "./hostile.ts";
import { answers, Testbed, writeApp } from "./testbed.ts";

export interface TenantsOptions {
  readonly quietMs: number;
  readonly hostileMs: number;
}

/** Requests to the well-behaved app in one phase. */
export interface Phase {
  readonly latenciesMs: readonly number[];
  readonly failures: readonly string[];
}

export interface TenantsReport {
  readonly quiet: Phase;
  readonly hostile: Phase;
  /** Outcomes of the well-behaved app's deploys beside the attacks; empty for those that succeeded. */
  readonly deploys: readonly string[];
  readonly attacks: ReadonlyMap<string, number>;
}

const PAUSE_MS = 20;
const FAILURES_KEPT = 20;

/** Runs both phases on a platform of its own. */
export async function besideHostileTenants({ quietMs, hostileMs }: TenantsOptions): Promise<TenantsReport> {
  // The attacks here are not those that firewall rules stop.
  await using bed = await Testbed.start({ kraneEnv: { UNKEY_DOCKER_WORKSPACES: "many" } });
  const { slug } = await bed.project("good");
  const url = await deployGood(bed, slug, "good 0");
  const quiet = await ask(bed, url, AbortSignal.timeout(quietMs));
  await using hostility = await Hostility.begin(bed);
  const end = AbortSignal.timeout(hostileMs);
  const [hostile, deploys] = await Promise.all([ask(bed, url, end), deployAgain(bed, slug, end)]);
  return { quiet, hostile, deploys, attacks: hostility.made };
}

async function ask(bed: Testbed, url: string, end: AbortSignal): Promise<Phase> {
  const latenciesMs: number[] = [];
  const failures: string[] = [];
  while (!end.aborted) {
    const begunMs = performance.now();
    const failure = await askEdge(bed.ports.edge, url).then(
      ({ status, body }) =>
        status === 200 && body.startsWith("good") ? undefined : `${status} ${body.slice(0, 200)}`,
      String,
    );
    latenciesMs.push(performance.now() - begunMs);
    if (failure !== undefined && failures.length < FAILURES_KEPT) failures.push(failure);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return { latenciesMs, failures };
}

/** One deploy after another; the last one may end after the phase. */
async function deployAgain(bed: Testbed, slug: string, end: AbortSignal): Promise<readonly string[]> {
  const outcomes: string[] = [];
  while (!end.aborted) {
    outcomes.push(await deployGood(bed, slug, `good ${outcomes.length + 1}`).then(() => "", String));
  }
  return outcomes;
}

async function deployGood(bed: Testbed, slug: string, text: string): Promise<string> {
  const folder = await writeApp(bed, serves(text));
  const args = ["deploy", folder, "--project", slug, "--env", "production", "--json"];
  const { code, stdout, stderr } = await bed.unkey(args);
  if (code !== 0) throw new Error(`${stdout}\n${stderr}`);
  const { urls: [url] }: { urls: readonly [string] } = JSON.parse(stdout);
  await answers(bed, url, text);
  return url;
}
