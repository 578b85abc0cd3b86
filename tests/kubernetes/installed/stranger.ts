/** A pod that is no part of the platform, in another namespace. */
import { type Cluster, createNamespace } from "../../testbed/cluster.ts";
import { eventually } from "../../testbed/wait.ts";

/** Removes the pod when it is disposed of. */
export interface Stranger extends AsyncDisposable {
  /** True when a server takes its connection within seconds. */
  reaches(address: string, port: number): Promise<boolean>;
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
    async label(label) {
      await namespace.kubectl(["label", "pod", NAME, label]);
    },
    [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
  };
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
