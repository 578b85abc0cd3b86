/** Resolvers that are no pods and live in a network that is denied, as NodeLocal DNSCache and some clouds have them. */
import assert from "node:assert/strict";
import { run } from "../../dev/bed/part.ts";
import { Status } from "../../svc/krane/testing.ts";
import { type Cluster, findCluster, kubectl, onCluster } from "../testbed/cluster.ts";
import { Part } from "../testbed/process.ts";
import { answersOk, eventually } from "../testbed/wait.ts";
import { KraneBed } from "./krane_bed.ts";

const ADDRESS = "169.254.25.10";
const GATEWAY = "169.254.25.1";
const RESOLVER = new URL("../testbed/resolver.ts", import.meta.url).pathname;

/** The network behind the node is this machine's: no cluster from outside has it. */
const usable = (await findCluster())?.enforcesNetworkPolicy === true && !Deno.env.get("KUBECONFIG");
const test = usable
  ? onCluster
  : (name: string, _: unknown): void => Deno.test.ignore(`${name} (no bed with policies)`, () => undefined);

test("apps resolve names at a resolver in a denied network, whose other ports stay denied", async (cluster) => {
  await using _ = await resolver();
  await using allowed = await KraneBed.open(cluster);
  await using denied = await KraneBed.open(cluster);
  await allowed.agent({ UNKEY_KRANE_DNS_SERVERS: ADDRESS });
  await denied.agent();
  const names = await Promise.all([allowed, denied].map(async (bed) => {
    const name = bed.name();
    await bed.plane.snapshot(0, 1, bed.apply(name, 1));
    const [instance] = await bed.plane.settled(name, Status.RUNNING);
    return instance?.k8sName ?? "";
  }));
  const [good = "", bad = ""] = names;
  const resolves = (bed: KraneBed, pod: string): Promise<boolean> =>
    exec(cluster, bed, pod, ["nslookup", "-type=a", "db.example", ADDRESS]).then((text) =>
      text.includes("10.0.0.7")
    );
  // The network takes a moment to learn of new policies.
  await eventually("the name to be resolved", () => resolves(allowed, good));
  await eventually("the policy to hold for the other one", async () => !await resolves(denied, bad));
  assert.equal(await exec(cluster, allowed, good, ["wget", "-q", "-O", "-", `http://${ADDRESS}/`]), "");
});

/** The output of a command in a pod; empty when it fails. */
async function exec(
  cluster: Cluster,
  bed: KraneBed,
  pod: string,
  command: readonly string[],
): Promise<string> {
  const limited = ["exec", "-n", bed.namespace, pod, "--", "timeout", "5", ...command];
  return await kubectl(cluster, limited).catch(() => "");
}

/** A resolver in a network of its own behind the node. */
async function resolver(): Promise<AsyncDisposable> {
  const key = crypto.randomUUID().slice(0, 8);
  const [space, near, far] = [`dns-${key}`, `dnsa${key}`, `dnsb${key}`];
  const ip = (...args: string[]): Promise<string> => run("ip", args);
  const inside = (...args: string[]): Promise<string> => ip("-n", space, ...args);
  const logFile = await Deno.makeTempFile({ prefix: "unkey-dns-" });
  const part = new Part({
    name: "resolver",
    command: "ip",
    args: ["netns", "exec", space, Deno.execPath(), "run", "-A", "--quiet", RESOLVER, ADDRESS],
    env: () => ({}),
    logFile,
    ready: () => answersOk(`http://${ADDRESS}/`),
  });
  const stop = async (): Promise<void> => {
    await part.kill("SIGKILL");
    await ip("netns", "delete", space);
    await ip("link", "delete", near).catch(() => undefined);
    await Deno.remove(logFile);
  };
  await ip("netns", "add", space);
  try {
    await ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", space);
    await ip("address", "add", `${GATEWAY}/24`, "dev", near);
    await ip("link", "set", near, "up");
    await inside("address", "add", `${ADDRESS}/24`, "dev", far);
    await inside("link", "set", far, "up");
    await inside("route", "add", "default", "via", GATEWAY);
    await part.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { [Symbol.asyncDispose]: stop };
}
