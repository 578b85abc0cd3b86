import { join } from "node:path";
import { type Engine, type EngineVersion, engineVersion } from "../../pkg/docker/mod.ts";
import { Fault, isFault } from "../../pkg/fault/mod.ts";

/**
 * Asks Docker for its version.
 *
 * @throws `failed_precondition` that says how to install it, to start it, or to be allowed to use it, whichever is missing
 */
export async function checkDocker(
  engine: Engine,
  env: (name: string) => string | undefined,
  signal: AbortSignal,
): Promise<EngineVersion> {
  try {
    return await engineVersion(engine, signal);
  } catch (error) {
    if (!isFault(error, "unavailable")) throw error;
    const text = `${await problem(engine.host, env)} Then run "unkey up" again.`;
    throw new Fault("failed_precondition", text, { publicMessage: text, cause: error });
  }
}

/** The first version of Docker whose BuildKit knows rules about sources. */
const SOURCE_POLICY_MAJOR = 23;

/** A line for users whose Docker does not keep builds from private addresses; `undefined` for a newer one. */
export function buildNetworkNotice(version: string): string | undefined {
  const major = Number(/^[0-9]{1,6}(?=\.)/.exec(version)?.[0] ?? SOURCE_POLICY_MAJOR);
  if (major >= SOURCE_POLICY_MAJOR) return undefined;
  return `builds with Docker ${version} can reach this machine and its network; Docker ${SOURCE_POLICY_MAJOR} or ` +
    "newer keeps FROM and ADD from private addresses";
}

async function problem(host: string, env: (name: string) => string | undefined): Promise<string> {
  const socket = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  if (socket === undefined) {
    return `No Docker Engine answers at ${host}. Start it, or unset DOCKER_HOST to use the one of this machine.`;
  }
  try {
    (await Deno.connect({ transport: "unix", path: socket })).close();
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
      return `Docker runs, but this user may not use it (${socket}). ` +
        `Add yourself to the group "docker" with "sudo usermod -aG docker $USER" and log in again.`;
    }
  }
  if (!(await isInstalled(env))) {
    return "Docker is not installed. " +
      (Deno.build.os === "linux"
        ? `On Debian and Ubuntu: "sudo apt-get install docker.io".`
        : "Install Docker Desktop and start it.");
  }
  return `Docker is installed but does not run (nothing answers at ${socket}). ` +
    (Deno.build.os === "linux"
      ? `Start it with "sudo systemctl start docker", or "sudo dockerd" where there is no systemd.`
      : "Start Docker Desktop.");
}

async function isInstalled(env: (name: string) => string | undefined): Promise<boolean> {
  const folders = `${env("PATH") ?? ""}:/usr/sbin:/usr/local/sbin`.split(":").filter((folder) =>
    folder !== ""
  );
  const paths = folders.flatMap((folder) => [join(folder, "docker"), join(folder, "dockerd")]);
  const found = await Promise.all(paths.map((path) => Deno.stat(path).then(() => true, () => false)));
  return found.includes(true);
}
