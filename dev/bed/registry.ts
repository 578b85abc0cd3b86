import { untilReady } from "./daemon.ts";
import type { Starting } from "./folder.ts";
import { answers, built, freePorts, type Part } from "./part.ts";

/**
 * An OCI registry without TLS. Its name is `localhost:PORT` for everybody on this machine: the Docker engine trusts
 * that name without a setting, and containerd reads it from a `hosts.toml`.
 */
export const registry: Part = {
  name: "registry",
  async start(starting: Starting): Promise<void> {
    const program = await built("registry");
    const [port = 0] = freePorts(1);
    const config = `${starting.folder}/config.yml`;
    await Deno.writeTextFile(
      config,
      JSON.stringify({
        version: "0.1",
        log: { level: "warn", accesslog: { disabled: true } },
        storage: { filesystem: { rootdirectory: `${starting.folder}/data` }, delete: { enabled: true } },
        http: { addr: `127.0.0.1:${port}` },
      }),
    );
    const daemon = await starting.launch({ name: "registry", command: program, args: ["serve", config] });
    await untilReady(daemon, () => answers(`http://127.0.0.1:${port}/v2/`));
    await trust(`${starting.folder}/hosts/localhost:${port}`, port);
    starting.done(`localhost:${port}`, { url: `http://127.0.0.1:${port}` });
  },
};

async function trust(folder: string, port: number): Promise<void> {
  const url = `http://127.0.0.1:${port}`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(
    `${folder}/hosts.toml`,
    `server = "${url}"\n\n[host."${url}"]\n  capabilities = ["pull", "resolve"]\n`,
  );
}
