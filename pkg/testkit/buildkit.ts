/**
 * A BuildKit daemon of a test's own, built by `dev/parts/buildkit.sh`.
 *
 * ```ts
 * await using daemon = await TestBuildkit.start({ plainHttp: [registry.name] });
 * ```
 *
 * @module
 */
import { join } from "node:path";
import { freePort } from "./ports.ts";

const READY_MS = 120_000;
const STOP_MS = 60_000;
const HOME_CACHE = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`;
const CACHE = Deno.env.get("UNKEY_DEV_CACHE") ?? `${HOME_CACHE}/unkey-dev`;
/** Not everybody's has what only root runs. */
const PATH = `${Deno.env.get("PATH") ?? ""}:/usr/sbin`;
const PROGRAM = `${CACHE}/bin/buildkitd-0.34.0`;

/** Whether one can be started here: it must have been built, and needs root, `runc` and `jq`. */
export async function canStartBuildkit(): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  for (const command of [[PROGRAM, "--version"], ["runc", "--version"], ["jq", "--version"]] as const) {
    const [name, ...args] = command;
    try {
      const { success } = await new Deno.Command(name, {
        args,
        env: { PATH },
        stdout: "null",
        stderr: "null",
      })
        .output();
      if (!success) return false;
    } catch {
      return false;
    }
  }
  return true;
}

/** Asks for no negative oom_score_adj and no limits: not every machine's root may set them. */
const RUNC = `#!/bin/sh
set -eu
bundle=.
previous=
for word in "$@"; do
  case "$previous" in --bundle | -b) bundle=$word ;; esac
  previous=$word
done
config=$bundle/config.json
case " $* " in
  *" run "* | *" create "*)
    if [ -f "$config" ]; then
      jq '.process |= (if (.oomScoreAdj // 0) < 0 then .oomScoreAdj = 0 else . end | del(.rlimits))' "$config" >"$config.new"
      mv "$config.new" "$config"
    fi
    ;;
esac
exec runc "$@"
`;

/** A running daemon. Dispose of it, or it stays. */
export class TestBuildkit implements AsyncDisposable {
  readonly url: string;
  readonly #directory: string;
  readonly #port: number;
  #process: Deno.ChildProcess | undefined;

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.#port = port;
    this.url = `tcp://127.0.0.1:${port}`;
  }

  /** `plainHttp` names the registries that speak no TLS. */
  static async start({ plainHttp }: { readonly plainHttp: readonly string[] }): Promise<TestBuildkit> {
    const directory = await Deno.makeTempDir({ prefix: "unkey-buildkit-" });
    await Deno.writeTextFile(join(directory, "runc"), RUNC, { mode: 0o755 });
    const config = plainHttp.map((name) => `[registry."${name}"]\n  http = true\n`).join("");
    await Deno.writeTextFile(join(directory, "buildkitd.toml"), config);
    const daemon = new TestBuildkit(directory, freePort());
    try {
      await daemon.resume();
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts it again, with its cache. */
  async resume(): Promise<void> {
    const directory = this.#directory;
    this.#process = new Deno.Command(PROGRAM, {
      args: [
        `--addr=${this.url}`,
        `--root=${directory}/root`,
        `--config=${directory}/buildkitd.toml`,
        "--oci-worker=true",
        "--containerd-worker=false",
        `--oci-worker-binary=${directory}/runc`,
      ],
      env: { PATH },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const deadline = performance.now() + READY_MS;
    while (!await listens(this.#port)) {
      if (performance.now() > deadline) throw new Error("the BuildKit daemon does not answer");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end("SIGTERM");
    await this.#killRest();
    const mounts = (await Deno.readTextFile("/proc/mounts")).split("\n").map((line) =>
      line.split(" ")[1] ?? ""
    );
    for (
      const path of mounts.filter((each) => each.startsWith(`${this.#directory}/`)).toSorted().toReversed()
    ) {
      await new Deno.Command("umount", { args: ["--lazy", path], stderr: "null" }).output();
    }
    await Deno.remove(this.#directory, { recursive: true });
  }

  async #end(signal: Deno.Signal): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    process.kill(signal);
    const late = setTimeout(() => process.kill("SIGKILL"), STOP_MS);
    await process.status;
    clearTimeout(late);
  }

  /** What a killed daemon left behind carries the path of this folder. */
  async #killRest(): Promise<void> {
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const command = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
      if (command.includes(this.#directory)) Deno.kill(Number(name), "SIGKILL");
    }
  }
}

async function listens(port: number): Promise<boolean> {
  try {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.close();
    return true;
  } catch {
    return false;
  }
}
