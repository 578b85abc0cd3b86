/** A pod that is no part of the platform, in another namespace. */
import { type Cluster, createNamespace } from "../../testbed/cluster.ts";
import { eventually } from "../../testbed/wait.ts";

/** Removes the pod when it is disposed of. */
export interface Stranger extends AsyncDisposable {
  /** True when a server takes its connection within seconds. */
  reaches(address: string, port: number): Promise<boolean>;
  /** The body that a URL answers with 200; empty when it does not. */
  get(url: string): Promise<string>;
  /** Changes the pod's only label of its own. */
  label(label: string): Promise<void>;
}

const NAME = "stranger";
const ANSWER_SECONDS = 5;

export async function startStranger(cluster: Cluster): Promise<Stranger> {
  const namespace = await createNamespace(cluster);
  try {
    const command = ["--", "sleep", "3600"];
    const options = ["--image=busybox:stable", "--image-pull-policy=IfNotPresent", "--restart=Never"];
    await namespace.kubectl(["run", NAME, ...options, ...command]);
    await namespace.kubectl(["wait", `pod/${NAME}`, "--for=condition=Ready", "--timeout=180s"]);
  } catch (error) {
    await namespace[Symbol.asyncDispose]();
    throw error;
  }
  return {
    async reaches(address, port) {
      const connect = ["timeout", String(ANSWER_SECONDS), "nc", address, String(port), "-e", "/bin/true"];
      return await namespace.kubectl(["exec", NAME, "--", ...connect]).then(() => true, () => false);
    },
    async get(url) {
      const ask = ["timeout", String(ANSWER_SECONDS), "wget", "-q", "-O", "-", url];
      return await namespace.kubectl(["exec", NAME, "--", ...ask]).catch(() => "");
    },
    async label(label) {
      await namespace.kubectl(["label", "pod", NAME, label]);
    },
    [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
  };
}

/** Waits until each of these answers a scrape with the numbers of its part, or none of them does. */
export async function scrapes(
  stranger: Stranger,
  urls: Readonly<Record<string, string>>,
  isPermitted: boolean,
): Promise<void> {
  await eventually(`metrics to be ${isPermitted ? "open" : "closed"}`, async () => {
    for (const [part, url] of Object.entries(urls)) {
      const text = await stranger.get(url);
      const hasNumbers = text.includes(`process_resident_memory_bytes{part="process"}`) &&
        text.includes(`part="${part}"`);
      if (isPermitted ? !hasNumbers : text !== "") return false;
    }
    return true;
  });
}

/** Waits until each of these is reached, or not: the network takes a moment to learn of new pods and labels. */
export async function reachesOnly(
  stranger: Stranger,
  wanted: Readonly<Record<string, boolean>>,
): Promise<void> {
  await eventually(`to reach ${JSON.stringify(wanted)}`, async () => {
    for (const [where, reached] of Object.entries(wanted)) {
      const [address = "", port] = where.split(":");
      if (await stranger.reaches(address, Number(port)) !== reached) return false;
    }
    return true;
  });
}
