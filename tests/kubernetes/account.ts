import { z } from "zod";
import { callJson, loadAccess, openCluster } from "../../pkg/kube/mod.ts";
import type { Cluster } from "../testbed/cluster.ts";

const Token = z.object({ status: z.object({ token: z.string() }) });

/** A kubeconfig with the rights of a service account. */
export async function accountKubeconfig(
  cluster: Cluster,
  { namespace, account }: { readonly namespace: string; readonly account: string },
): Promise<string> {
  const access = await loadAccess({ kubeconfig: cluster.kubeconfig });
  const admin = openCluster(access);
  try {
    const { status } = await callJson(admin, {
      method: "POST",
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: { expirationSeconds: 3_600 },
      },
      signal: AbortSignal.timeout(180_000),
    }, Token);
    const file = await Deno.makeTempFile({ prefix: "kubeconfig-" });
    const { certificateAuthority = "" } = await access.credentials();
    const authority = new TextEncoder().encode(certificateAuthority).toBase64();
    await Deno.writeTextFile(
      file,
      JSON.stringify({
        "current-context": "c",
        contexts: [{ name: "c", context: { cluster: "k", user: "krane", namespace } }],
        clusters: [{
          name: "k",
          cluster: { server: access.server, "certificate-authority-data": authority },
        }],
        users: [{ name: "krane", user: { token: status.token } }],
      }),
    );
    return file;
  } finally {
    admin.close();
  }
}
