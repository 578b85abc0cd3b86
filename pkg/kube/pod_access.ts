import type { Clock } from "../clock/mod.ts";
import { publicFault } from "../fault/mod.ts";
import type { Access } from "./credentials.ts";

/** The folder that Kubernetes mounts into each pod. */
const FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";
const SERVER = "https://kubernetes.default.svc";
/** The kubelet replaces a token long before its end. */
const TOKEN_MS = 60_000;

/**
 * The access of the pod that this program runs in.
 *
 * @throws `failed_precondition` when it does not run in a pod
 */
export async function podAccess(
  { clock, folder = FOLDER, server = SERVER }: {
    readonly clock: Clock;
    readonly folder?: string;
    readonly server?: string;
  },
): Promise<Access> {
  const certificateAuthority = await Deno.readTextFile(`${folder}/ca.crt`).catch((error: unknown) => {
    throw publicFault(
      "failed_precondition",
      "This program does not run in a pod that may call Kubernetes: name a kubeconfig file with --kubeconfig (KUBECONFIG).",
      error,
    );
  });
  const namespace = await Deno.readTextFile(`${folder}/namespace`).then(
    (text) => text.trim(),
    () => "default",
  );
  let [token, readAt] = ["", -Infinity];
  return {
    server,
    namespace,
    refused: () => undefined,
    async credentials() {
      if (Math.abs(clock.now() - readAt) >= TOKEN_MS) {
        token = (await Deno.readTextFile(`${folder}/token`)).trim();
        readAt = clock.now();
      }
      return { certificateAuthority, headers: [["authorization", `Bearer ${token}`]] };
    },
  };
}
