/**
 * The Kubernetes cluster that tests run on: the one that `dev/testbed start` left running on this machine, or the one
 * that `KUBECONFIG` names.
 *
 * ```ts
 * onCluster("a pod answers", async (cluster) => {
 *   await using namespace = await createNamespace(cluster);
 *   const image = await pushApp(cluster, serves("hello"));
 *   await namespace.kubectl(["apply", "-f", "-"], JSON.stringify(pod(image)));
 * });
 * ```
 */
import { findPart, withoutProcess } from "../../dev/bed/folder.ts";
import { run } from "../../dev/bed/part.ts";
import type { App } from "./apps.ts";
import { eventually } from "./wait.ts";

/** A running cluster and what a test needs to reach it. */
export interface Cluster {
  readonly kubeconfig: string;
  /** Path of the program, of the cluster's version. */
  readonly kubectl: string;
  /** `HOST:PORT` of a registry; the same name works for this machine, its Docker engine and the cluster's nodes. */
  readonly registry: string;
  /** An address of this machine that pods reach. What pods shall talk to listens there. */
  readonly hostAddress: string;
  readonly enforcesNetworkPolicy: boolean;
  /** Path of the program that simulates nodes; `undefined` when it is not to be found. */
  readonly kwok: string | undefined;
}

/** A namespace of one test. Disposing of it deletes everything in it. */
export interface Namespace extends AsyncDisposable {
  readonly name: string;
  /** Runs kubectl in it and answers with what it printed; throws when it fails. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
}

/** Why `findCluster` found none. */
export const NO_CLUSTER =
  "no Kubernetes: `dev/testbed start` gives one, or KUBECONFIG and UNKEY_TEST_REGISTRY";

/** The cluster to test on; `undefined` when none runs. */
export async function findCluster(): Promise<Cluster | undefined> {
  const kubeconfig = Deno.env.get("KUBECONFIG") ?? "";
  if (kubeconfig !== "") return await given(kubeconfig);
  const facts = findPart("kubernetes")?.facts;
  const registry = findPart("registry");
  if (facts === undefined || registry === undefined) return undefined;
  return {
    kubeconfig: facts["kubeconfig"] ?? "",
    kubectl: facts["kubectl"] ?? "",
    registry: registry.address,
    hostAddress: facts["nodeAddress"] ?? "",
    enforcesNetworkPolicy: facts["enforcesNetworkPolicy"] === "true",
    kwok: facts["kwok"],
  };
}

const FOUND = await findCluster();

/** A test that runs on the cluster, and is ignored where there is none. */
export function onCluster(
  name: string,
  test: (cluster: Cluster, t: Deno.TestContext) => Promise<void>,
): void {
  const cluster = FOUND;
  if (cluster === undefined) Deno.test.ignore(`${name} (${NO_CLUSTER})`, () => undefined);
  else Deno.test(name, (t) => test(cluster, t));
}

/**
 * Does `work` while a process of the cluster is not there, e.g. "kube-apiserver", and answers when it is back. Only on
 * this machine's bed: others who use it at the same time notice.
 */
export async function without(cluster: Cluster, name: string, work: () => Promise<void>): Promise<void> {
  await withoutProcess("kubernetes", name, work);
  await eventually("the cluster to be ready again", async () => {
    const ready = await kubectl(cluster, ["get", "--raw=/readyz"]).catch(() => "");
    return ready === "ok";
  });
}

/** Runs kubectl and answers with what it printed; throws when it fails. */
export function kubectl(cluster: Cluster, args: readonly string[], stdin?: string): Promise<string> {
  const cache = `--cache-dir=${cacheFolder()}/kubectl`;
  return run(cluster.kubectl, [`--kubeconfig=${cluster.kubeconfig}`, cache, ...args], stdin);
}

export async function createNamespace(cluster: Cluster): Promise<Namespace> {
  const name = `test-${crypto.randomUUID().slice(0, 8)}`;
  await kubectl(cluster, ["create", "namespace", name]);
  // Pods are refused until the controller manager has made it.
  await kubectl(cluster, ["wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=180s"]);
  return {
    name,
    kubectl: (args, stdin) => kubectl(cluster, ["-n", name, ...args], stdin),
    async [Symbol.asyncDispose]() {
      await kubectl(cluster, ["delete", "namespace", name, "--wait=false", "--ignore-not-found"]);
    },
  };
}

/** Builds an app with the Docker engine and pushes it; answers with the image's name, by digest. */
export async function pushApp(cluster: Cluster, app: App): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-app-" });
  const tag = `${cluster.registry}/test/app:${crypto.randomUUID().slice(0, 8)}`;
  try {
    for (const [name, text] of Object.entries(app)) {
      const path = `${folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    await run("docker", ["build", "--quiet", "--tag", tag, folder]);
    await run("docker", ["push", "--quiet", tag]);
    const format = "{{range .RepoDigests}}{{println .}}{{end}}";
    const digests = (await run("docker", ["inspect", "--format", format, tag])).split("\n");
    await run("docker", ["rmi", tag]);
    // The same image may have been pushed elsewhere too.
    const digest = digests.find((each) => each.startsWith(`${cluster.registry}/test/app@`));
    if (digest === undefined) throw new Error(`${tag} has no digest: ${digests.join(" ")}`);
    return digest;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A cluster from outside: the environment names what the cluster does not show. */
async function given(kubeconfig: string): Promise<Cluster | undefined> {
  const registry = Deno.env.get("UNKEY_TEST_REGISTRY");
  const assets = Deno.env.get("KUBEBUILDER_ASSETS");
  const folders = [...(assets === undefined ? [] : [assets]), ...(Deno.env.get("PATH") ?? "").split(":")];
  const program = await firstThatExists(folders.map((folder) => `${folder}/kubectl`));
  if (registry === undefined || program === undefined) return undefined;
  return {
    kubeconfig,
    kubectl: program,
    registry,
    hostAddress: Deno.env.get("UNKEY_TEST_HOST_ADDRESS") ?? "127.0.0.1",
    enforcesNetworkPolicy: Deno.env.get("UNKEY_TEST_NETWORK_POLICY") === "true",
    kwok: await firstThatExists(folders.map((folder) => `${folder}/kwok`)),
  };
}

function cacheFolder(): string {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`;
  return Deno.env.get("UNKEY_DEV_CACHE") ?? `${home}/unkey-dev`;
}

async function firstThatExists(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  return undefined;
}
