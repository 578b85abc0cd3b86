import type { KubeconfigContext } from "./kubeconfig_file.ts";

/**
 * A kubeconfig of the one context, with the parts that the library lacks: `tokenFile` (it reads `token-file`, once), and
 * the variable that tells commands about the cluster. It refuses HTTP unless the check of certificates is off, which
 * HTTP does not have.
 */
export function libraryConfig({ cluster, name, user }: KubeconfigContext): Record<string, unknown> {
  const { tokenFile } = user;
  const provider = tokenFile === undefined ? {} : {
    "auth-provider": { name: "tokenFile", config: { tokenFile } },
  };
  const isPlain = cluster.server.startsWith("http:");
  return {
    "current-context": name,
    contexts: [{ name, context: { cluster: cluster.name, user: user.name } }],
    clusters: [{
      name: cluster.name,
      cluster: { ...cluster, "proxy-url": undefined, "insecure-skip-tls-verify": isPlain },
    }],
    users: [{ name: user.name, user: { ...user, ...provider, exec: execOf(cluster, user) } }],
  };
}

/** @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats */
function execOf(cluster: KubeconfigContext["cluster"], { exec }: KubeconfigContext["user"]): unknown {
  if (!exec) return undefined;
  const info = {
    server: cluster.server,
    "certificate-authority-data": cluster["certificate-authority-data"],
    "proxy-url": cluster["proxy-url"],
  };
  const input = {
    apiVersion: exec.apiVersion,
    kind: "ExecCredential",
    spec: { interactive: false, ...(exec.provideClusterInfo === true ? { cluster: info } : {}) },
  };
  return { ...exec, env: [...exec.env, { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(input) }] };
}

/** The headers of impersonation; of these the library knows the user only. */
export function impersonation(
  name: string | undefined,
  user: KubeconfigContext["user"],
): (readonly [string, string])[] {
  const uid = user["as-uid"];
  return [
    ...(name === undefined ? [] : [["impersonate-user", name] as const]),
    ...(uid === undefined ? [] : [["impersonate-uid", uid] as const]),
    ...user["as-groups"].map((group) => ["impersonate-group", group] as const),
    ...Object.entries(user["as-user-extra"] ?? {}).flatMap(([key, values]) =>
      values.map((value) => [`impersonate-extra-${encodeURIComponent(key.toLowerCase())}`, value] as const)
    ),
  ];
}
