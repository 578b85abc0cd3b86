import { Buildx, hasBuildx } from "../../pkg/testkit/buildx.ts";

const TAG = "unkey-bench-upload:reference";
const HOST = Deno.env.get("DOCKER_HOST") ?? "unix:///var/run/docker.sock";

/** The time of `docker build`; by the plugin where it was built, since newer clients have no builder of their own. */
export async function dockerBuildMs(root: string): Promise<number> {
  const begunMs = performance.now();
  if (await hasBuildx()) {
    await using client = await Buildx.open(HOST);
    await client.build("--tag", TAG, root);
  } else {
    await run("docker", ["build", "--quiet", "--tag", TAG, root], { DOCKER_BUILDKIT: "1" });
  }
  return performance.now() - begunMs;
}

export async function removeReference(): Promise<void> {
  await run("docker", ["rmi", "--force", TAG]);
}

/** The time for an archive and its upload, and its size. */
export async function tarAndCurl(root: string): Promise<{ readonly ms: number; readonly bytes: number }> {
  const archive = `${root}.tar.gz`;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    async (request) => {
      for await (const _part of request.body ?? []);
      return new Response(null);
    },
  );
  const begunMs = performance.now();
  await run("tar", ["-czf", archive, "-C", root, "."]);
  await run("curl", [
    "--silent",
    "--fail",
    "--upload-file",
    archive,
    `http://127.0.0.1:${server.addr.port}/`,
  ]);
  const ms = performance.now() - begunMs;
  const { size: bytes } = await Deno.stat(archive);
  await Deno.remove(archive);
  return { ms, bytes };
}

async function run(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args: [...args],
    env,
    stdout: "null",
    stderr: "piped",
  })
    .output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
}
