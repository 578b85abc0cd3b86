/** The platform as an operator installs it, inside the bed's cluster. Database, S3 and registry run beside the cluster. */
import assert from "node:assert/strict";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { findRestateServer } from "../../../pkg/restate_server/mod.ts";
import { mysqlServer } from "../../../pkg/testkit/mariadb.ts";
import { PortRelay } from "../../../pkg/testkit/port_relay.ts";
import { built, run } from "../../../dev/bed/part.ts";
import { type Answer, askAt } from "../../testbed/ask.ts";
import { type Cluster, kubectl } from "../../testbed/cluster.ts";
import { pushImage, pushPlatformImage } from "../../testbed/images.ts";
import { onS3, S3_KEYS } from "../../testbed/s3.ts";
import { eventually } from "../../testbed/wait.ts";
import { startClusterDns } from "./cluster_dns.ts";
import type { BedFacts } from "./overlay.ts";
import { MAIN } from "../../../pkg/testkit/program.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const SOCKET = "/var/run/docker.sock";
const RESTATE_MS = 300_000;
export const BUCKET = "contexts";
const RESTATE_NODES = 3;
/** Between two requests. */
const PAUSE_MS = 20;
/** Of one change of a Deployment. */
const ROLLOUT = "--timeout=300s";

/** Its workloads, in the order in which they depend on each other. */
export const PARTS: readonly string[] = [
  "statefulset/restate",
  "deployment/ctrl-api",
  "deployment/ctrl-worker",
  "deployment/krane",
  "deployment/frontline",
];

/** The surroundings of the platform: images, a namespace with its Secrets, DNS, and relays to this machine's servers. */
export interface Surroundings {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly facts: BedFacts;
  /** A folder that is removed at the end. */
  readonly folder: string;
  /** The way to the database, which a test may cut. */
  readonly database: PortRelay;
}

/** Prepares everything that an operator has before the platform is installed, and removes it again. */
export async function inSurroundings(
  cluster: Cluster,
  test: (surroundings: Surroundings) => Promise<void>,
): Promise<void> {
  const namespace = `test-${crypto.randomUUID().slice(0, 8)}`;
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "unkey-installed-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const address = cluster.hostAddress;
  const relay = async (target: number): Promise<PortRelay> =>
    stack.use(await PortRelay.listen({ address, port: 0, target }));
  const registry = await relay(Number(cluster.registry.split(":")[1]));
  const schema = await (await mysqlServer())?.createSchema();
  assert.ok(schema !== undefined, "MariaDB is not installed");
  stack.defer(() => schema.drop());
  const databaseUrl = new URL(schema.url.reveal());
  const database = await relay(Number(databaseUrl.port));
  databaseUrl.host = `${address}:${database.port}`;
  const dns = stack.use(await startClusterDns(cluster, namespace));
  const images = {
    platform: await once("UNKEY_TEST_PLATFORM_IMAGE", () => pushPlatformImage(cluster)),
    restate: await once("UNKEY_TEST_RESTATE_IMAGE", () => pushRestate(cluster)),
  };
  const volumes = Array.from({ length: RESTATE_NODES }, (_, index) => `${folder}/restate-${index}`);
  for (const volume of volumes) {
    await Deno.mkdir(volume);
    await Deno.chmod(volume, 0o777);
  }
  await kubectl(cluster, ["create", "namespace", namespace]);
  stack.defer(() => removeAll(cluster, namespace));
  const dockerGroup = (await Deno.stat(SOCKET)).gid ?? 0;
  const host = { address, registryPort: registry.port };
  const facts: BedFacts = {
    ...{ namespace, images, host, volumes, dockerGroup },
    ...{ registry: cluster.registry, dns: dns.address },
  };
  await onS3(async ({ url }) => {
    await using s3 = await PortRelay.listen({ address, port: 0, target: Number(new URL(url).port) });
    await makeSecrets(cluster, namespace, {
      DATABASE_URL: databaseUrl.href,
      S3_URL: `http://${address}:${s3.port}`,
      S3_BUCKET: BUCKET,
      S3_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
      S3_ACCESS_KEY_SECRET: S3_KEYS.secretAccessKey.reveal(),
    });
    await test({ cluster, namespace, facts, folder, database });
  });
}

/** Test files run in isolates of their own, and share the environment of their process. */
async function once(name: string, push: () => Promise<string>): Promise<string> {
  const image = Deno.env.get(name) ?? await push();
  Deno.env.set(name, image);
  return image;
}

async function pushRestate(cluster: Cluster): Promise<string> {
  const { path } = await findRestateServer({
    env: (name) => Deno.env.get(name),
    clock: systemClock(),
    signal: AbortSignal.timeout(RESTATE_MS),
  });
  const program = "/usr/local/bin/restate-server";
  const copies = { [program]: path, "/usr/local/bin/restatectl": await built("restatectl") };
  return await pushImage(cluster, "restate", { copies, entrypoint: [program] });
}

/** With the documented command. */
async function makeSecrets(
  cluster: Cluster,
  namespace: string,
  given: Readonly<Record<string, string>>,
): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(`${ROOT}dev/k8s/secrets.sh`, { env: given })
    .output();
  assert.ok(success, new TextDecoder().decode(stderr));
  await kubectl(cluster, ["-n", namespace, "create", "-f", "-"], new TextDecoder().decode(stdout));
}

/** Namespaces of apps are the agent's own and carry its mark. */
async function removeAll(cluster: Cluster, namespace: string): Promise<void> {
  await kubectl(cluster, ["delete", "namespace", namespace, "--ignore-not-found", "--timeout=180s"]);
}

/** The installed platform, as its operator and its users reach it. */
export class Installed {
  readonly #surroundings: Surroundings;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { cluster, namespace } = this.#surroundings;
    return kubectl(cluster, ["-n", namespace, ...args], stdin);
  }

  async rolledOut(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.kubectl(["rollout", "status", name, ROLLOUT]).catch(async (error: unknown) => {
        throw new Error(`${name} is not ready:\n${await this.state()}`, { cause: error });
      });
    }
  }

  /** Evicts a pod, as the drain of its node does, and waits until it is gone. */
  async evict(name: string): Promise<void> {
    const { namespace } = this.#surroundings;
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
    const uid = ["get", "pod", name, "--ignore-not-found", "-o", "jsonpath={.metadata.uid}"];
    const before = await this.kubectl(uid);
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
    await this.kubectl(["create", "--raw", path, "-f", "-"], JSON.stringify(eviction));
    await eventually(`${name} to be gone`, async () => await this.kubectl(uid) !== before);
  }

  /** Runs the command line inside a process of the api, which has the service token. */
  operate(...args: readonly string[]): Promise<string> {
    return this.kubectl(["exec", "deployment/ctrl-api", "--", "unkey", ...args]);
  }

  /** Makes one cluster of the nodes of Restate, with the documented command. */
  async provision(): Promise<void> {
    const running = "--for=jsonpath={.status.phase}=Running";
    const nodes = Array.from({ length: RESTATE_NODES }, (_, index) => `pod/restate-${index}`);
    await this.kubectl(["wait", "--for=create", ...nodes, "--timeout=180s"]);
    await this.kubectl(["wait", running, ...nodes, "--timeout=180s"]);
    const command = ["restatectl", "provision", "--replication", "2", "--yes"];
    // It exits with 0 also when the node does not answer yet.
    await eventually("the cluster of Restate to be made", async () => {
      const said = await this.kubectl(["exec", "restate-0", "--", ...command]).catch(String);
      return said.includes("successfully provisioned");
    });
  }

  /** The tokens of agent and edge, which the api has to make first. */
  async admitParts(): Promise<void> {
    await this.rolledOut("deployment/ctrl-api");
    for (const [name, region] of [["krane", "local"], ["frontline", "*"]] as const) {
      const token = (await this.operate("admin", "region-tokens", "create", region)).trim();
      const literal = `--from-literal=control-plane-bearer=${token}`;
      await this.kubectl(["create", "secret", "generic", name, literal]);
    }
  }

  async address(service: string): Promise<string> {
    return await this.kubectl(["get", "service", service, "-o", "jsonpath={.spec.clusterIP}"]);
  }

  /** URLs of the metrics of a pod of each part, by the part's label in them, as the pods' annotations say. */
  async metricsUrls(): Promise<Readonly<Record<string, string>>> {
    const parts = { api: "ctrl-api", worker: "ctrl-worker", krane: "krane", frontline: "frontline" };
    const annotation = (name: string): string => `{.metadata.annotations.prometheus\\.io/${name}}`;
    const path = `{.status.podIP} ${annotation("port")} ${annotation("path")}`;
    const urls = Object.entries(parts).map(async ([part, name]) => {
      const selector = ["-l", `app.kubernetes.io/name=${name}`, "--field-selector=status.phase=Running"];
      const all = `jsonpath={range .items[*]}${path}{"\\n"}{end}`;
      const [pod = ""] = (await this.kubectl(["get", "pods", ...selector, "-o", all])).split("\n");
      const [address, port, metrics] = pod.split(" ");
      return [part, `http://${address}:${port}${metrics}`] as const;
    });
    return Object.fromEntries(await Promise.all(urls));
  }

  /** A new workspace, with the key that may do everything in it. */
  async workspace(slug: string): Promise<{ readonly key: string }> {
    return JSON.parse(await this.operate("admin", "workspaces", "create", slug, "--json"));
  }

  /** Runs the command line of a user. */
  async unkey(args: readonly string[], rootKey: string): Promise<string> {
    const { folder } = this.#surroundings;
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", MAIN, ...args],
      env: {
        UNKEY_API_BASE_URL: `http://${await this.address("ctrl-api")}:7091`,
        UNKEY_ROOT_KEY: rootKey,
        XDG_CONFIG_HOME: `${folder}/config`,
        XDG_CACHE_HOME: `${folder}/cache`,
        NO_COLOR: "1",
      },
      stdin: "null",
    });
    const { success, stdout, stderr } = await command.output();
    const [text, problem] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.ok(success, `unkey ${args.join(" ")}:\n${text}${problem}\n${await this.state()}`);
    return text ?? "";
  }

  /** Asks the edge through its Service. */
  async get(url: string): Promise<Answer> {
    const { host, pathname } = new URL(url);
    return await askAt({
      address: await this.address("frontline"),
      port: 80,
      path: pathname,
      headers: { host },
    });
  }

  /** Asks again and again, on new connections, until it is stopped; keeps what was not answered with 200. */
  async askAlways(url: string): Promise<{ stop(): Promise<{ asked: number; failed: string[] }> }> {
    const { host, pathname } = new URL(url);
    const where = { address: await this.address("frontline"), port: 80, path: pathname, headers: { host } };
    let [going, asked] = [true, 0];
    const failed: string[] = [];
    const done = (async () => {
      while (going) {
        asked++;
        const { status, body } = await askAt(where).catch((error: unknown) => ({
          status: 0,
          body: String(error),
        }));
        if (status !== 200) failed.push(`${new Date().toISOString()} ${status} ${body.slice(0, 200)}`);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    })();
    return {
      async stop() {
        going = false;
        await done;
        return { asked, failed };
      },
    };
  }

  /** Pods of which a container was restarted, with the counts. */
  async restarts(): Promise<string[]> {
    const path = "{range .items[*]}{.metadata.name} {.status.containerStatuses[*].restartCount}{'\\n'}{end}";
    const lines = (await this.kubectl(["get", "pods", "-o", `jsonpath=${path}`])).split("\n");
    return lines.filter((line) => / .*[1-9]/.test(line)).toSorted();
  }

  /** For the text of a failure: pods, their events and their last lines. */
  async state(): Promise<string> {
    const ask = (...args: string[]): Promise<string> => this.kubectl(args).catch(String);
    const pods = (await ask("get", "pods", "-o", "name")).split("\n").filter((each) => each !== "");
    const logs = pods.map(async (pod) =>
      `== ${pod}\n${await ask("logs", pod, "--all-containers", "--tail=15")}`
    );
    return [
      await ask("get", "pods", "-o", "wide"),
      await ask("get", "events", "--sort-by=.lastTimestamp"),
      ...await Promise.all(logs),
    ].join("\n");
  }
}

/** Steps of a test of which each needs the ones before it. */
export function stepsOf(t: Deno.TestContext): (name: string, step: () => Promise<void>) => Promise<void> {
  return async (name, step) => assert.ok(await t.step(name, step), `the step "${name}" failed`);
}

/** A copy of the example outside of this checkout, whose branch would get a host name of its own. */
export async function copyHello(folder: string): Promise<string> {
  await run("cp", ["-r", `${ROOT}examples/hello`, `${folder}/hello`]);
  return `${folder}/hello`;
}
