import { type KubeconfigContext, refuseKubeconfig } from "./kubeconfig_file.ts";

const OIDC_AUTHORITY = ["idp-certificate-authority", "idp-certificate-authority-data"];

/**
 * Refuses settings that Deno's HTTP client has no option for, and those with which the library fails later.
 *
 * @throws `failed_precondition`
 */
export function refuseUnsupported(paths: string, { cluster, user }: KubeconfigContext): void {
  if (cluster["insecure-skip-tls-verify"] === true) {
    refuseKubeconfig(
      paths,
      "asks to accept any certificate, which is not supported: name the certificate authority",
    );
  }
  if (cluster["tls-server-name"]) {
    refuseKubeconfig(
      paths,
      `names another server for the certificate (tls-server-name: ${
        cluster["tls-server-name"]
      }), which is not ` +
        "supported: name a server address that is in the certificate, for example by an entry in /etc/hosts",
    );
  }
  const provider = user["auth-provider"];
  if (
    provider?.name === "oidc" &&
    OIDC_AUTHORITY.some((key) => provider.config[key] !== undefined)
  ) {
    refuseKubeconfig(
      paths,
      `has a user "${user.name}" with an authority of its own for OIDC (idp-certificate-authority), which is not ` +
        "supported: add the authority to the trusted certificates of this machine, and remove the setting",
    );
  }
  if (user.exec?.interactiveMode === "Always") {
    refuseKubeconfig(
      paths,
      `has a command "${user.exec.command}" that needs a terminal, which is not supported: log in with a ` +
        "token, a certificate, or a command that asks nothing",
    );
  }
}

const PROXY_SCHEMES = ["http:", "https:", "socks5:", "socks5h:"];

/**
 * The proxy of a context's cluster.
 *
 * @throws `failed_precondition` for a scheme that Deno's HTTP client does not speak, such as SOCKS 4
 */
export function proxyOf(paths: string, { cluster }: KubeconfigContext): Deno.Proxy | undefined {
  const given = cluster["proxy-url"];
  if (!given) return undefined;
  const url = URL.parse(given);
  if (url === null || !PROXY_SCHEMES.includes(url.protocol)) {
    return refuseKubeconfig(
      paths,
      `has the proxy-url "${given}", which is not supported: name an http, https or socks5 URL`,
    );
  }
  const { password, protocol, username } = url;
  [url.username, url.password] = ["", ""];
  return {
    transport: protocol === "http:" ? "http" : protocol === "https:" ? "https" : "socks5",
    url: url.href,
    ...(username === "" ? {} : {
      basicAuth: { username: decodeURIComponent(username), password: decodeURIComponent(password) },
    }),
  };
}
