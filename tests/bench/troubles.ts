/** Troubles of live apps: the time until `unkey status` with its events, and `unkey logs`, tell of each. */
import { LocalPlatform } from "../testbed/local.ts";
import { docker } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";
import { BOUNDS } from "./bounds.ts";
import { report, type Row } from "./row.ts";

const DOCKERFILE = `FROM busybox:stable
COPY run.sh /run.sh
CMD ["sh", "/run.sh"]
`;
/** Its process id is in a file, so that it can be killed from outside as the kernel would. */
const RUN = `trap 'exit 0' TERM
mkdir -p /www; echo ok >/www/index.html; echo ok >/www/healthz
echo $$ >/tmp/pid
httpd -f -p "$PORT" -h /www & wait
`;
const FLOOD_LINES = 400_000;

interface Trouble {
  readonly name: string;
  /** Run inside of the container. */
  readonly script: string;
  /** In the JSON of the status with events; absent: it is no trouble of the instance. */
  readonly inStatus?: RegExp;
  readonly inLogs: RegExp;
}

const TROUBLES: readonly Trouble[] = [
  {
    name: "is killed",
    script: "kill -9 $(cat /tmp/pid)",
    inStatus: /"kind":"ended".*exit code 137/,
    inLogs: /\(unkey: .*137/,
  },
  {
    name: "hangs",
    script: "killall -STOP httpd",
    inStatus: /"kind":"trouble","reason":"unhealthy".*no answer (for|within)/,
    inLogs: /\(unkey: the health check fails: no answer/,
  },
  {
    name: "gets unhealthy",
    script: "rm /www/healthz",
    inStatus: /"kind":"trouble","reason":"unhealthy".*it answered 404/,
    inLogs: /\(unkey: the health check fails: it answered 404/,
  },
  {
    name: "prints 40 MB at once",
    script: `awk 'BEGIN { for (n = 1; n <= ${FLOOD_LINES}; n++) print n " ${
      "y".repeat(90)
    }" }' >/proc/$(cat /tmp/pid)/fd/1`,
    inLogs: /^\S+ \S+ \| \d+ y/m,
  },
];

/** Each trouble meets an app of its own. */
export async function benchTroubles(): Promise<Row[]> {
  await using platform = await LocalPlatform.create();
  await platform.start();
  const rows: Row[] = [];
  for (const [at, trouble] of TROUBLES.entries()) rows.push(...await measure(platform, `app${at}`, trouble));
  return rows;
}

async function measure(
  platform: LocalPlatform,
  name: string,
  { name: what, script, inStatus, inLogs }: Trouble,
): Promise<Row[]> {
  const folder = `${platform.directory}/${name}`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/Dockerfile`, DOCKERFILE);
  await Deno.writeTextFile(`${folder}/run.sh`, RUN);
  const { id } = await platform.deploy([folder, "--health-check-path", "/healthz"]);
  const [container = ""] = await platform.containers(["--filter", `label=unkey.deployment-id=${id}`]);
  const startedMs = performance.now();
  const done = docker(["exec", container, "sh", "-c", script]);
  const until = async (args: readonly string[], pattern: RegExp): Promise<number> => {
    await eventually(`${args[0]} tells that an app ${what}`, async () => {
      const { stdout } = await platform.unkey(args);
      return pattern.test(stdout);
    });
    return performance.now() - startedMs;
  };
  const [logsMs, statusMs] = await Promise.all([
    until(["logs", id, "--source", "instance", "--tail", "200"], inLogs),
    inStatus === undefined ? undefined : until(["status", id, "--events", "--json"], inStatus),
  ]);
  await done;
  return [
    row(what, "its output", logsMs),
    ...(statusMs === undefined ? [] : [row(what, "status and events", statusMs)]),
  ];
}

function row(what: string, where: string, ms: number): Row {
  return {
    measure: `an app ${what}: shown in ${where}`,
    bound: BOUNDS.shownMs,
    measured: `${(ms / 1_000).toFixed(1)} s`,
    ok: ms < BOUNDS.shownMs.limit,
  };
}

if (import.meta.main) report(await benchTroubles());
