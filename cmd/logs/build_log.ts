/** The output of a deployment's build, read from its events. */
import type { Client } from "@connectrpc/connect";
import type { Clock } from "../../pkg/clock/mod.ts";
import type {
  Deployment,
  DeploymentEvent,
  DeploymentService,
} from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { follow } from "../shared/deploying/follow.ts";
import { isActive, statusName } from "../shared/deployment_view.ts";
import { type Line, linesOfEvent } from "./printer.ts";
import { readStream } from "../shared/read_stream.ts";

export interface BuildLogOptions {
  readonly client: Client<typeof DeploymentService>;
  readonly deployment: Deployment;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Only the last lines of what is there; all of them when absent. */
  readonly tail: number | undefined;
  /** Wait for more until the deployment has ended. */
  readonly follow: boolean;
  readonly onLine: (line: Line) => void;
  /** Called with what else happens while following. */
  readonly onNote: (text: string) => void;
}

export interface BuildLogEnd {
  readonly deployment: Deployment;
  /** The last lines of an instance that failed, as the deployment's failure quotes them. */
  readonly quoted: readonly Line[];
}

/** The control plane sends what it has at once; after such a pause there is no more of it yet. */
const PAUSE = { firstMsMax: 10_000, betweenMsMax: 500 };
/** The events of a deployment that has ended come to an end. */
const IDLE = { firstMsMax: 15_000, betweenMsMax: 15_000 };
const QUOTED_MAX = 1_000;

/** Hands over the build's lines. @throws what a call fails with */
export async function readBuildLog(options: BuildLogOptions): Promise<BuildLogEnd> {
  const { client, deployment, clock, signal, tail, onLine, onNote } = options;
  const quoted: Line[] = [];
  let seen = 0n;
  const take = (event: DeploymentEvent, show: (line: Line) => void): void => {
    if (event.sequence <= seen) return;
    seen = event.sequence;
    if (event.payload.case === "notice") onNote(event.payload.value.message);
    if (event.payload.case !== "log") return;
    for (const line of linesOfEvent(event.payload.value, Number(event.createdAt))) {
      if (line.source === "build") show(line);
      else if (quoted.push(line) > QUOTED_MAX) quoted.shift();
    }
  };

  const following = options.follow && isActive(deployment);
  if (!following || tail !== undefined) await readWhatIsThere(options, take);
  if (!following) return { deployment, quoted };
  const ended = await follow({
    client,
    deploymentId: deployment.id,
    clock,
    signal,
    onEvent: (event) => {
      if (event.sequence > seen && event.payload.case === "status") {
        onNote(`${deployment.id} is ${statusName(event.payload.value.status)}`);
      }
      take(event, onLine);
    },
    onTrouble: onNote,
  });
  return { deployment: ended, quoted };
}

async function readWhatIsThere(
  { client, deployment, clock, signal, tail, onLine }: BuildLogOptions,
  take: (event: DeploymentEvent, show: (line: Line) => void) => void,
): Promise<void> {
  const last: Line[] = [];
  const show = tail === undefined ? onLine : (line: Line): void => {
    if (last.push(line) > tail) last.shift();
  };
  const deploymentId = deployment.id;
  const active = isActive(deployment);
  const end = await readStream(
    (until) => client.watchDeploymentEvents({ deploymentId }, { signal: until }),
    { clock, signal, limits: active ? PAUSE : IDLE },
    ({ event }) => {
      if (event.case === "deploymentEvent") take(event.value, show);
    },
  );
  if (end === "idle" && !active) throw publicFault("deadline_exceeded", "the stream of events stood still");
  for (const line of last) onLine(line);
}
