import { join } from "node:path";
import type { LogFields, Logger } from "../logger/mod.ts";
import type { RegistryCredentials } from "../registry/mod.ts";
import { type ConfigFile, readConfigFile } from "./config_file.ts";
import { decodeEntry, type Server, serverOf, valueFor } from "./entry.ts";
import { askHelper } from "./helper.ts";
import { helperProcess, type RunHelper } from "./run_helper.ts";

/** Parts that the configuration is read with. */
export interface DockerConfigOptions {
  readonly env: (name: string) => string | undefined;
  /** The user's home folder. */
  readonly home: string;
  readonly log: Logger;
  /** Aborts a helper that runs. */
  readonly signal: AbortSignal;
  /** Instead of a process, for tests. */
  readonly run?: RunHelper;
  /** Time limit of a helper; 10 s by default. */
  readonly helperMsMax?: number;
}

/**
 * The user's credentials for a registry, by host as BuildKit names it. An identity token comes with the user name
 * `<token>`.
 *
 * Rejects only when the signal aborts: a broken file or helper is logged and gives `undefined`.
 */
export type DockerCredentials = (host: string) => Promise<RegistryCredentials | undefined>;

const HELPER_MS_MAX = 10_000;

/** The Docker configuration in `$DOCKER_CONFIG`, or `~/.docker`. Read at each question, and not before the first. */
export function openDockerConfig(options: DockerConfigOptions): DockerCredentials {
  const { env, home, log, signal, helperMsMax = HELPER_MS_MAX } = options;
  const path = join(env("DOCKER_CONFIG") || join(home, ".docker"), "config.json");
  const run = options.run ?? helperProcess(variables(env, home));
  const trouble = createTrouble(log);
  return async (host) => {
    signal.throwIfAborted();
    const read = await readConfigFile(path);
    if (read.kind !== "broken") trouble.over(path);
    else trouble.report(path, "the Docker configuration cannot be used", { path, reason: read.reason });
    if (read.kind !== "read") return undefined;
    const server = serverOf(host);
    const helper = helperFor(read.file, server);
    if (helper === undefined) return credentialsIn(read.file, server, { path, trouble });
    const program = `docker-credential-${helper}`;
    const asked = /[/\\\0]/.test(helper)
      ? { kind: "failed", reason: "it must be named without a path" } as const
      : await askHelper(program, server.key, { run, signal, msMax: helperMsMax });
    if (asked.kind === "failed") {
      const fields = { helper: program, server: server.key, reason: asked.reason };
      trouble.report(program, "a Docker credential helper failed", fields);
      return undefined;
    }
    trouble.over(program);
    return asked.kind === "credentials" ? asked.credentials : undefined;
  };
}

/** The helper that has the server's credentials; `undefined`: the file itself has them. */
function helperFor({ credHelpers, credsStore }: ConfigFile, server: Server): string | undefined {
  return (valueFor(credHelpers, server) ?? credsStore) || undefined;
}

function credentialsIn(
  { auths }: ConfigFile,
  server: Server,
  { path, trouble }: { readonly path: string; readonly trouble: Trouble },
): RegistryCredentials | undefined {
  const entry = valueFor(auths, server);
  if (entry === undefined) return undefined;
  const decoded = decodeEntry(entry);
  const place = `${path} ${server.key}`;
  if (decoded.kind === "broken") {
    const reason = `the entry of ${server.key} is not base64 of a user name and a password`;
    trouble.report(place, "the Docker configuration cannot be used", { path, reason });
    return undefined;
  }
  trouble.over(place);
  return decoded.kind === "credentials" ? decoded.credentials : undefined;
}

/** Helpers look for the user's files where this process does. */
function variables(env: DockerConfigOptions["env"], home: string): Record<string, string> {
  const given = { HOME: home, PATH: env("PATH"), DOCKER_CONFIG: env("DOCKER_CONFIG") };
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => value === undefined ? [] : [[name, value]]),
  );
}

/** Logs a problem once, until it is over or has another reason: a build asks many times. */
interface Trouble {
  report(of: string, event: string, fields: { readonly reason: string } & LogFields): void;
  over(of: string): void;
}

function createTrouble(log: Logger): Trouble {
  const reported = new Map<string, string>();
  return {
    report(of, event, fields) {
      if (reported.get(of) === fields.reason) return;
      reported.set(of, fields.reason);
      log.warn(event, fields);
    },
    over: (of) => void reported.delete(of),
  };
}
