/** An app that behaves well, measured while nothing else runs and then beside hostile tenants. */
import { serves } from "./apps.ts";
import type { Phase } from "./asking_process.ts";
import { Hostility } from "./hostile.ts";
import { priority } from "./process.ts";
import { answers, Testbed, writeApp } from "./testbed.ts";

export interface TenantsOptions {
  readonly quietMs: number;
  readonly hostileMs: number;
}

export interface TenantsReport {
  readonly quiet: Phase;
  readonly hostile: Phase;
  /** Outcomes of the well-behaved app's deploys beside the attacks; empty for those that succeeded. */
  readonly deploys: readonly string[];
  readonly attacks: ReadonlyMap<string, number>;
}

const VISITOR = new URL("asking_process.ts", import.meta.url).pathname;
/** A visitor is on a machine of its own, in the world: its process goes before those of the machine that it asks. */
const VISITOR_NICENESS = -15;
/**
 * As the units of a server give the parts more processor time than the engine, its builds and its containers. Commands run
 * on other machines, in the world.
 */
const NICENESS = { edge: -10, api: -5, worker: -5, krane: -5, command: 19 };

/** Runs both phases on a platform of its own. */
export async function besideHostileTenants({ quietMs, hostileMs }: TenantsOptions): Promise<TenantsReport> {
  // The attacks here are not those that firewall rules stop.
  await using bed = await Testbed.start({
    kraneEnv: { UNKEY_DOCKER_WORKSPACES: "many" },
    niceness: NICENESS,
  });
  const { slug } = await bed.project("good");
  const url = await deployGood(bed, slug, "good 0");
  const quiet = await ask(bed, url, AbortSignal.timeout(quietMs));
  await using hostility = await Hostility.begin(bed);
  const end = AbortSignal.timeout(hostileMs);
  const [hostile, deploys] = await Promise.all([ask(bed, url, end), deployAgain(bed, slug, end)]);
  return { quiet, hostile, deploys, attacks: hostility.made };
}

/** Asks in a process of its own. */
async function ask(bed: Testbed, url: string, end: AbortSignal): Promise<Phase> {
  const [command, ...args] = [
    ...priority(VISITOR_NICENESS),
    ...[Deno.execPath(), "run", "-A", "--no-check", VISITOR, String(bed.ports.edge), url],
  ];
  const visitor = new Deno.Command(command ?? "", {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  await new Promise<void>((resolve) => {
    if (end.aborted) resolve();
    else end.addEventListener("abort", () => resolve(), { once: true });
  });
  await visitor.stdin.close();
  return JSON.parse(new TextDecoder().decode((await visitor.output()).stdout));
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
