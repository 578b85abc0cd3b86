/**
 * Dockerfiles that try to reach the platform, each on three builders. Runs in namespaces of its own, which `build_network_test.ts`
 * makes: the addresses that it adds and the files that it mounts are seen by no other process. Writes one JSON line per build.
 *
 * @module
 */
import { join } from "node:path";
import {
  type Builder,
  createBuildkitBuilder,
  daemonEndpoint,
  FRONTENDS_DEFAULT,
  type SourceRules,
  standing,
} from "../../../pkg/build/mod.ts";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { pushBaseImage } from "../../../pkg/testkit/base_registry.ts";
import { TestBuildkit } from "../../../pkg/testkit/buildkit.ts";
import { runCommand } from "../../../pkg/testkit/commands.ts";
import { HubRegistry } from "../../../pkg/testkit/hub_registry.ts";
import { checkBuilderNetwork } from "../../../svc/ctrl/worker/builder/network/check.ts";
import { NameServer } from "./names.ts";
import { type CheckResult, PUBLIC_WAY, type Result } from "./results.ts";
import { Victim } from "./victims.ts";

/** An address that no build may reach, and the public name that leads to it. */
interface Target {
  readonly target: string;
  readonly address: string;
  readonly label: string;
}

const LOOPBACK: Target = { target: "loopback", address: "127.0.0.1", label: "loopback" };
/** Not there before: the scene adds them to its loopback interface. */
const ADDED: readonly Target[] = [
  { target: "own address", address: "10.77.0.5", label: "own" },
  { target: "metadata", address: "169.254.169.254", label: "metadata" },
  { target: "private host", address: "192.168.77.9", label: "private" },
];
const TARGETS: readonly Target[] = [LOOPBACK, ...ADDED];

/** Looks like one of the internet's; it is an address of this namespace, and an isolated builder may reach it. */
const PUBLIC = "8.9.10.11";
const BUILD_MS_MAX = 60_000;
const FRONTEND = "app/frontend";
const log = silentLogger();

/** A Dockerfile for each way to a target. */
function dockerfiles({ address, label }: Target): readonly (readonly [way: string, dockerfile: string])[] {
  const name = nameOf(label);
  return [
    ["ADD", `FROM scratch\nADD http://${address}/secret /\n`],
    ["ADD of a name", `FROM scratch\nADD http://${name}/secret /\n`],
    ["ADD after a redirect", `FROM scratch\nADD http://cdn.example.com/${label} /\n`],
    ["ADD of a repository", `FROM scratch\nADD git://${address}:80/repository.git /\n`],
    ["ADD of a repository by name", `FROM scratch\nADD git://${name}:80/repository.git /\n`],
    ["RUN", `FROM busybox:stable\nRUN wget -q -O - http://${address}/secret\n`],
    ["FROM", `FROM ${address}:80/app/base:1\n`],
    ["FROM of a name", `FROM ${name}:80/app/base:1\n`],
    ["COPY --from", `FROM scratch\nCOPY --from=${name}:80/app/base:1 / /\n`],
    ["# syntax=", `# syntax=${address}:80/${FRONTEND}:1\nFROM scratch\n`],
    ["# syntax= of a name", `# syntax=${name}:80/${FRONTEND}:1\nFROM scratch\n`],
  ];
}

function nameOf(label: string): string {
  return `${label}.example.com`;
}

/** The rules of a worker for strangers. */
const RULES: Rules = {
  deniedHosts: [],
  trustedRegistries: [],
  frontends: FRONTENDS_DEFAULT,
  privateNetworks: false,
};
type Rules = Omit<SourceRules, "registryName" | "ownImages">;

/** All that is allowed, so that the network alone decides. */
const NO_RULES: Rules = {
  ...RULES,
  privateNetworks: true,
  frontends: TARGETS.flatMap(({ address, label }) =>
    [address, nameOf(label)].map((host) => `${host}:80/${FRONTEND}`)
  ),
};

function builderOf(daemon: TestBuildkit, rules: Rules, registry: string): Builder {
  return createBuildkitBuilder({
    lease: standing(daemonEndpoint(daemon.url)),
    destination: { kind: "registry", registry: { name: `${registry}/apps` } },
    rules,
    clock: systemClock(),
    log,
  });
}

/** The end of a build, for people. */
async function build(builder: Builder, dockerfile: string, registry: string): Promise<string> {
  try {
    const outcome = await builder.build({
      context: { entries: [], read: () => ReadableStream.from([]) },
      dockerfile: { path: "Dockerfile", content: new TextEncoder().encode(dockerfile) },
      image: `${registry}/apps/ws_1/proj_1:${crypto.randomUUID()}`,
      labels: {},
      options: { arguments: {}, noCache: true, pull: false },
      secrets: () => Promise.resolve(undefined),
      credentials: () => Promise.resolve(undefined),
      projectId: "proj_1",
      contextKey: crypto.randomUUID(),
      cacheNamespace: "ws_1",
      signal: AbortSignal.timeout(BUILD_MS_MAX),
      onEvent: () => undefined,
    });
    return outcome.kind === "built" ? "built" : outcome.message;
  } catch (error) {
    return String(error);
  }
}

async function check(daemon: TestBuildkit): Promise<string> {
  try {
    const signal = AbortSignal.timeout(BUILD_MS_MAX);
    await checkBuilderNetwork(daemonEndpoint(daemon.url), { others: [], log, signal });
    return "isolated";
  } catch (error) {
    return String(error);
  }
}

/** Addresses, a place for named namespaces, and a resolver, all of which end with the namespaces of this process. */
async function prepare(folder: string): Promise<void> {
  await runCommand("ip", "link", "set", "lo", "up");
  for (const address of [...ADDED.map((each) => each.address), PUBLIC]) {
    await runCommand("ip", "addr", "add", `${address}/32`, "dev", "lo");
  }
  await Deno.mkdir("/run/netns", { recursive: true });
  await runCommand("mount", "-t", "tmpfs", "tmpfs", "/run/netns");
  // Over TCP, since an isolated network is given the TCP ports that it may reach.
  const resolvConf = join(folder, "resolv.conf");
  await Deno.writeTextFile(resolvConf, `nameserver ${PUBLIC}\noptions use-vc timeout:5 attempts:1\n`);
  await runCommand("mount", "--bind", resolvConf, "/etc/resolv.conf");
}

async function run(folder: string): Promise<void> {
  await prepare(folder);
  const names = Object.fromEntries(TARGETS.map(({ label, address }) => [nameOf(label), address]));
  await using _dns = await NameServer.start(PUBLIC, { ...names, "cdn.example.com": PUBLIC });
  const redirects = new Map(TARGETS.map(({ label, address }) => [`/${label}`, `http://${address}/`]));
  const cdn = Deno.serve({ hostname: PUBLIC, port: 80, onListen: () => undefined }, ({ url }) => {
    const location = redirects.get(new URL(url).pathname);
    return location === undefined ? new Response("public") : Response.redirect(location);
  });
  const victims = TARGETS.map((target) => ({ target, victim: new Victim(target.address) }));

  await using hub = await HubRegistry.start();
  await pushBaseImage(hub.upstream, "library/busybox:stable");
  const registry = hub.upstream.name;
  const common = { plainHttp: [registry], mirror: hub.name };
  await using open = await TestBuildkit.start(common);
  const allow = [hub.name, registry, `${PUBLIC}:80`, `${PUBLIC}:53`];
  await using isolated = await TestBuildkit.start({ ...common, isolated: true, allow });
  const builders = [
    ["open", builderOf(open, NO_RULES, registry)],
    ["isolated, without rules", builderOf(isolated, NO_RULES, registry)],
    ["isolated", builderOf(isolated, RULES, registry)],
  ] as const;

  tell({ kind: "check", open: await check(open), isolated: await check(isolated) });
  for (const { victim } of victims) await victim.seen();
  for (const [name, builder] of builders) {
    const dockerfile = "FROM busybox:stable\nADD http://cdn.example.com/file /\nRUN grep public /file\n";
    const outcome = await build(builder, dockerfile, registry);
    tell({ kind: "build", builder: name, way: PUBLIC_WAY, target: "cdn", seen: 0, outcome });
    for (const { target, victim } of victims) {
      for (const [way, dockerfile] of dockerfiles(target)) {
        const outcome = await build(builder, dockerfile, registry);
        const seen = await victim.seen();
        tell({ kind: "build", builder: name, way, target: target.target, seen, outcome });
      }
    }
  }
  for (const { victim } of victims) victim[Symbol.dispose]();
  await cdn.shutdown();
}

function tell(result: Result | CheckResult): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(result)}\n`));
}

if (import.meta.main) await run(Deno.args[0] ?? "");
