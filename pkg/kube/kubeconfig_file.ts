import { isAbsolute, join } from "node:path/posix";
import { z } from "zod";
import { publicFault } from "../fault/mod.ts";

/** A list of a kubeconfig; `kubectl` writes `null` for an empty one. */
function list<T extends z.ZodType>(item: T) {
  return z.array(item).nullish().transform((items) => items ?? []);
}

const Exec = z.looseObject({
  command: z.string().min(1),
  apiVersion: z.string().default(""),
  env: list(z.object({ name: z.string(), value: z.string() })),
  interactiveMode: z.string().optional(),
  provideClusterInfo: z.boolean().optional(),
});

const Cluster = z.looseObject({
  server: z.string().min(1).transform((server) => server.replace(/(?<!\/)\/+$/, "")),
  "certificate-authority": z.string().optional(),
  "insecure-skip-tls-verify": z.boolean().optional(),
  "tls-server-name": z.string().optional(),
  "proxy-url": z.string().optional(),
});

const User = z.looseObject({
  tokenFile: z.string().optional(),
  "client-certificate": z.string().optional(),
  "client-key": z.string().optional(),
  "auth-provider": z.looseObject({
    name: z.string(),
    config: z.record(z.string(), z.unknown()).nullish().transform((config) => config ?? {}),
  }).nullish(),
  "as-uid": z.string().optional(),
  "as-groups": list(z.string()),
  "as-user-extra": z.record(z.string(), z.array(z.string())).nullish(),
  exec: Exec.nullish(),
});

const Kubeconfig = z.object({
  "current-context": z.string().nullish(),
  contexts: list(z.object({
    name: z.string(),
    context: z.looseObject({
      cluster: z.string(),
      user: z.string().default(""),
      namespace: z.string().nullish(),
    }),
  })),
  clusters: list(z.object({ name: z.string(), cluster: Cluster })),
  users: list(
    z.object({ name: z.string(), user: User.nullish().transform((user) => user ?? User.parse({})) }),
  ),
});
type Kubeconfig = z.output<typeof Kubeconfig>;

/** One context of a kubeconfig with its cluster and user; paths in it are absolute, or relative to the process. */
export interface KubeconfigContext {
  readonly name: string;
  readonly namespace: string;
  readonly cluster: { readonly name: string } & z.output<typeof Cluster>;
  readonly user: { readonly name: string } & z.output<typeof User>;
}

/** Throws the fault of a kubeconfig that cannot be used. */
export function refuseKubeconfig(paths: string, problem: string, cause?: unknown): never {
  throw publicFault("failed_precondition", `The kubeconfig file "${paths}" ${problem}.`, cause);
}

/**
 * Reads a kubeconfig. With several files, the first one that sets a value or holds a name wins, and files that do not
 * exist are left out, as `kubectl` does.
 *
 * @throws `failed_precondition`
 */
export async function readKubeconfig(
  paths: string,
  context: string | undefined,
): Promise<KubeconfigContext> {
  const configs = await readAll(paths);
  const refuse = (problem: string): never => refuseKubeconfig(paths, problem);
  const contexts = configs.flatMap((each) => each.contexts);
  const known = [...new Set(contexts.map(({ name }) => name))].join(", ") || "none";
  const name = context ?? configs.map((each) => each["current-context"]).find(Boolean) ??
    refuse(`has no current context: name one with --kube-context (its contexts: ${known})`);
  const chosen = contexts.find((each) => each.name === name)?.context ??
    refuse(`has no context "${name}" (its contexts: ${known})`);
  const cluster = configs.flatMap((each) => each.clusters).find((each) => each.name === chosen.cluster)
    ?.cluster ?? refuse(`has no cluster "${chosen.cluster}"`);
  const user = configs.flatMap((each) => each.users).find((each) => each.name === chosen.user)?.user ??
    refuse(`has no user "${chosen.user}"`);
  return {
    name,
    namespace: chosen.namespace || "default",
    cluster: { name: chosen.cluster, ...cluster },
    user: { name: chosen.user, ...user },
  };
}

async function readAll(paths: string): Promise<Kubeconfig[]> {
  const files = paths.split(":").filter((path) => path !== "");
  const found = await Promise.all(files.map((path) => readOne(path, files.length > 1)));
  const configs = found.filter((each) => each !== undefined);
  return configs.length > 0 ? configs : refuseKubeconfig(paths, "does not exist");
}

async function readOne(path: string, mayMiss: boolean): Promise<Kubeconfig | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (mayMiss && error instanceof Deno.errors.NotFound) return undefined;
    return refuseKubeconfig(path, "cannot be read", error);
  }
  const { parseYaml } = await import("./kubeconfig_library.ts");
  try {
    return withPaths(path, Kubeconfig.parse(parseYaml(text) ?? {}));
  } catch (error) {
    return refuseKubeconfig(path, "is not a kubeconfig", error);
  }
}

/** Paths in a kubeconfig are relative to it; a command without a slash is looked up in `PATH`. */
function withPaths(file: string, config: Kubeconfig): Kubeconfig {
  const beside = (path: string): string => isAbsolute(path) ? path : join(file, "..", path);
  const placed = <T extends object>(record: T, keys: readonly (keyof T)[]): T => {
    const paths = keys.flatMap((key) => typeof record[key] === "string" ? [[key, beside(record[key])]] : []);
    return { ...record, ...Object.fromEntries(paths) };
  };
  return {
    ...config,
    clusters: config.clusters.map(({ cluster, name }) => ({
      name,
      cluster: placed(cluster, ["certificate-authority"]),
    })),
    users: config.users.map(({ name, user }) => {
      const exec = user.exec?.command.includes("/") ? placed(user.exec, ["command"]) : user.exec;
      return { name, user: { ...placed(user, ["client-certificate", "client-key", "tokenFile"]), exec } };
    }),
  };
}
