import {
  type Engine,
  listContainers,
  listNetworks,
  removeContainer,
  removeNetwork,
  stopContainer,
} from "../../pkg/docker/mod.ts";
import { describeError } from "../../pkg/fault/mod.ts";
import type { Logger } from "../../pkg/logger/mod.ts";

/** Every container that the agent of this platform made carries it. */
const LABEL = "unkey.control-plane";
const GRACE_SECONDS = 5;
const REMOVE_MS_MAX = 30_000;

/**
 * Ends the app containers of one platform, all at once, removes the network that its agent made for them, and returns how
 * many containers there were. They are removed, not just stopped: Docker would start stopped ones again when it restarts.
 * The next start of the platform makes new ones.
 */
export async function removeAppContainers(
  engine: Engine,
  controlPlaneId: string,
  log: Logger,
): Promise<number> {
  const signal = AbortSignal.timeout(REMOVE_MS_MAX);
  const containers = await listContainers(engine, [`${LABEL}=${controlPlaneId}`], signal);
  await Promise.all(containers.map(async ({ id, name }) => {
    try {
      await stopContainer(engine, id, GRACE_SECONDS, signal);
      await removeContainer(engine, id, signal);
    } catch (error) {
      log.warn("container was not removed", { container: name, error: describeError(error) });
    }
  }));
  for (const { id, name } of await listNetworks(engine, [`${LABEL}=${controlPlaneId}`], signal)) {
    await removeNetwork(engine, id, signal).catch((error: unknown) =>
      log.warn("network was not removed", { network: name, error: describeError(error) })
    );
  }
  return containers.length;
}
