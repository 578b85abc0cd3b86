/** A home folder with a Docker configuration, and credential helpers on a PATH of its own. */
import { join } from "node:path";
import { createLogger } from "../logger/mod.ts";
import type { RegistryCredentials } from "../registry/mod.ts";
import { type DockerConfigOptions, openDockerConfig } from "./mod.ts";

/** Credentials with the password in the open. */
export type Revealed = readonly [username: string, password: string] | undefined;

/** One user's machine. */
export interface Machine extends AsyncDisposable {
  readonly home: string;
  /** Lines of the log. */
  readonly lines: string[];
  readonly abort: AbortController;
  /** Writes `~/.docker/config.json`. */
  config(content: unknown): Promise<void>;
  /** Puts a shell script on the PATH; it may use `$HOME`. */
  helper(name: string, script: string): Promise<void>;
  ask(host: string): Promise<Revealed>;
}

export async function machine(changes: Partial<DockerConfigOptions> = {}): Promise<Machine> {
  const home = await Deno.makeTempDir({ prefix: "unkey-test-docker-config-" });
  const folder = join(home, "bin");
  await Deno.mkdir(folder);
  const lines: string[] = [];
  const abort = new AbortController();
  const variables: Readonly<Record<string, string>> = { PATH: `${folder}:/usr/bin:/bin` };
  const credentials = openDockerConfig({
    env: (name) => variables[name],
    home,
    log: createLogger({ service: "test", level: "info", write: (line) => lines.push(line) }),
    signal: abort.signal,
    ...changes,
  });
  return {
    home,
    lines,
    abort,
    async config(content) {
      await Deno.mkdir(join(home, ".docker"), { recursive: true });
      const text = typeof content === "string" ? content : JSON.stringify(content);
      await Deno.writeTextFile(join(home, ".docker", "config.json"), text);
    },
    async helper(name, script) {
      const path = join(folder, `docker-credential-${name}`);
      await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`);
      await Deno.chmod(path, 0o755);
    },
    async ask(host) {
      return revealed(await credentials(host));
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await Deno.remove(home, { recursive: true });
    },
  };
}

export function revealed(found: RegistryCredentials | undefined): Revealed {
  return found === undefined ? undefined : [found.username, found.password.reveal()];
}

/** As `docker login` writes it. */
export function auth(username: string, password: string): { readonly auth: string } {
  return { auth: btoa(`${username}:${password}`) };
}
