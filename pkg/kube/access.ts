import { z } from "zod";
import { publicFault } from "../fault/mod.ts";

/** How a client proves who it is. */
export type Credential =
  | { readonly kind: "token"; readonly token: string }
  /** Read again every now and then: a pod's token is replaced while it runs. */
  | { readonly kind: "token_file"; readonly path: string }
  | { readonly kind: "certificate"; readonly certificate: string; readonly key: string };

/** Where a cluster's API is, and how to get in. */
export interface Access {
  /** Without a trailing slash. */
  readonly server: string;
  /** PEM; absent: the system's authorities. */
  readonly certificateAuthority?: string;
  readonly credential: Credential;
}

/** Where Kubernetes puts what a pod needs to call it. */
const POD_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";
const POD_SERVER = "https://kubernetes.default.svc";

/**
 * The access that a kubeconfig file describes, or, without one, that of the pod that this program runs in.
 *
 * @throws `failed_precondition` when there is neither, or when the file asks for what is not supported
 */
export async function loadAccess(kubeconfig: string | undefined): Promise<Access> {
  if (kubeconfig !== undefined) return await loadKubeconfig(kubeconfig);
  try {
    const certificateAuthority = await Deno.readTextFile(`${POD_FOLDER}/ca.crt`);
    const credential = { kind: "token_file", path: `${POD_FOLDER}/token` } as const;
    return { server: POD_SERVER, certificateAuthority, credential };
  } catch (error) {
    throw publicFault(
      "failed_precondition",
      "This program does not run in a pod that may call Kubernetes: name a kubeconfig file with --kubeconfig (KUBECONFIG).",
      error,
    );
  }
}

const Kubeconfig = z.object({
  "current-context": z.string().min(1),
  contexts: z.array(z.object({
    name: z.string(),
    context: z.object({ cluster: z.string(), user: z.string() }),
  })),
  clusters: z.array(z.object({
    name: z.string(),
    cluster: z.object({
      server: z.string(),
      "certificate-authority": z.string().optional(),
      "certificate-authority-data": z.string().optional(),
      "insecure-skip-tls-verify": z.boolean().optional(),
    }),
  })),
  users: z.array(z.object({
    name: z.string(),
    user: z.object({
      token: z.string().optional(),
      tokenFile: z.string().optional(),
      "client-certificate": z.string().optional(),
      "client-certificate-data": z.string().optional(),
      "client-key": z.string().optional(),
      "client-key-data": z.string().optional(),
    }),
  })),
});

async function loadKubeconfig(path: string): Promise<Access> {
  const refuse = (what: string, cause?: unknown): never => {
    throw publicFault("failed_precondition", `The kubeconfig file "${path}" ${what}.`, cause);
  };
  const text = await Deno.readTextFile(path).catch((error: unknown) => refuse("cannot be read", error));
  const config = await parse(text).catch((error: unknown) => refuse("is not a kubeconfig", error));
  const current = config["current-context"];
  const context = config.contexts.find(({ name }) => name === current)?.context ??
    refuse(`has no context "${current}"`);
  const cluster = config.clusters.find(({ name }) => name === context.cluster)?.cluster ??
    refuse(`has no cluster "${context.cluster}"`);
  const user = config.users.find(({ name }) => name === context.user)?.user ??
    refuse(`has no user "${context.user}"`);
  if (cluster["insecure-skip-tls-verify"] === true) {
    refuse("asks to accept any certificate, which is not supported: name the certificate authority");
  }
  const read = (file: string | undefined, data: string | undefined): Promise<string | undefined> =>
    readPart(path, file, data).catch((error: unknown) => refuse("names a file that cannot be read", error));
  const certificateAuthority = await read(
    cluster["certificate-authority"],
    cluster["certificate-authority-data"],
  );
  const certificate = await read(user["client-certificate"], user["client-certificate-data"]);
  const key = await read(user["client-key"], user["client-key-data"]);
  const credential = credentialOf(path, { ...user, certificate, key }) ??
    refuse("has a user without token or certificate; commands that fetch credentials are not supported");
  return {
    server: cluster.server.replace(/\/+$/, ""),
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
    credential,
  };
}

function credentialOf(
  path: string,
  user: { token?: string | undefined; tokenFile?: string | undefined } & {
    certificate: string | undefined;
    key: string | undefined;
  },
): Credential | undefined {
  const { token, tokenFile, certificate, key } = user;
  if (token !== undefined) return { kind: "token", token };
  if (tokenFile !== undefined) return { kind: "token_file", path: beside(path, tokenFile) };
  if (certificate !== undefined && key !== undefined) return { kind: "certificate", certificate, key };
  return undefined;
}

/** Only those who have such a file pay for its parser. */
async function parse(text: string): Promise<z.output<typeof Kubeconfig>> {
  const { parse: parseYaml } = await import("yaml");
  return Kubeconfig.parse(parseYaml(text));
}

async function readPart(
  kubeconfig: string,
  file: string | undefined,
  data: string | undefined,
): Promise<string | undefined> {
  if (data !== undefined) return new TextDecoder().decode(Uint8Array.fromBase64(data));
  return file === undefined ? undefined : await Deno.readTextFile(beside(kubeconfig, file));
}

/** Paths in a kubeconfig are relative to it. */
function beside(kubeconfig: string, path: string): string {
  return path.startsWith("/") ? path : `${kubeconfig.replace(/[^/]*$/, "")}${path}`;
}
