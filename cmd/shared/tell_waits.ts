import type { Process } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Connection } from "./connect.ts";
import type { Printing } from "./operation.ts";
import { oneLine } from "./output.ts";

export interface TellWaits extends Printing {
  readonly process: Process;
  readonly connection: Connection;
  /** The deployment that is started meanwhile. */
  readonly id: string;
}

const LOOK_MS = 1_500;
const STARTING = "deploying";
const WAITING = /^Waiting: /;

/** Does `work`, which waits for a start, and meanwhile prints what the start waits for, once each. */
export async function tellingWaits<T>(
  options: TellWaits,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (options.json || options.quiet) return await work(signal);
  const done = new AbortController();
  const telling = tell(options, AbortSignal.any([signal, done.signal]));
  try {
    return await work(signal);
  } finally {
    done.abort();
    await telling;
  }
}

async function tell({ process, connection, id }: TellWaits, signal: AbortSignal): Promise<void> {
  const client = createRpcClient(DeploymentService, connection);
  let shown = "";
  try {
    while (!signal.aborted) {
      await process.clock.sleep(LOOK_MS, signal);
      const { deployment } = await client.getDeployment({ deploymentId: id }, { signal });
      const step = deployment?.steps.find(({ name, status }) => name === STARTING && status === "running");
      const message = step === undefined ? "" : oneLine(step.message);
      if (message === shown || !WAITING.test(message)) continue;
      shown = message;
      process.stderr(`.. ${message}\n`);
    }
  } catch {
    // The work is over, or its own call tells what is wrong with the control plane.
  }
}
