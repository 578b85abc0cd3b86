import { type Fault, isFault } from "../../../../../pkg/fault/mod.ts";

/** The engine's refusal to create or start a container, as a reason of its instance. */
export interface StartTrouble {
  /**
   * `crash_loop`: the image or the command is wrong. `refused`: no waiting mends it. `unschedulable`, `sandbox` and
   * `cluster_trouble`: it may go away by itself.
   */
  readonly reason: "crash_loop" | "refused" | "unschedulable" | "sandbox" | "cluster_trouble";
  readonly message: string;
}

const AGAIN = "It is tried again and again";

const KINDS: readonly (StartTrouble & { readonly said: RegExp })[] = [
  {
    said: /no space left on device|disk quota exceeded/i,
    reason: "unschedulable",
    message: `The machine has no disk space left. ${AGAIN}; the region's operator frees space.`,
  },
  {
    said: /address pool|no available (network|IPv4|IPv6)|fully subscribed/i,
    reason: "sandbox",
    message:
      `The machine has no network addresses left. ${AGAIN}; the region's operator removes networks or ` +
      "containers that are not needed, or gives the engine more (default-address-pools).",
  },
  {
    said: /port is already allocated|address already in use|ports are not available|All ports between/i,
    reason: "unschedulable",
    message:
      `The machine has no free port for it. ${AGAIN}; the region's operator widens --host-ports of the agent.`,
  },
  {
    said: /belongs to somebody else/,
    reason: "refused",
    message: "The region's operator removes that container; then deploy again.",
  },
  {
    said: /range of CPUs/i,
    reason: "refused",
    message: "Give it less (unkey deploy --cpu), or the region's operator takes a larger machine.",
  },
  {
    said: /cgroup/i,
    reason: "refused",
    message:
      "The machine cannot set the app's limits: the region's operator looks at its engine; then deploy again.",
  },
  {
    said: /No such image/i,
    reason: "cluster_trouble",
    message: "The image was removed from the machine meanwhile. It is pulled again.",
  },
];

/** The trouble that an answer of the engine means; `undefined`: the engine has not answered. */
export function startTrouble(error: unknown): StartTrouble | undefined {
  if (!isEngineAnswer(error)) return undefined;
  const said = (error.publicMessage ?? error.message).replace(/^Docker: /, "");
  const kind = KINDS.find((each) => each.said.test(said));
  const message = kind === undefined
    ? `The container cannot be started: ${said}`
    : `${sentence(said)} ${kind.message}`;
  return { reason: kind?.reason ?? "crash_loop", message };
}

function sentence(text: string): string {
  const said = `The engine refuses the container: ${text.replaceAll(/\s+/g, " ").trim()}`;
  return /[.!?]$/.test(said) ? said : `${said}.`;
}

/** True if the engine itself refused, as opposed to not being there. */
function isEngineAnswer(error: unknown): error is Fault {
  return isFault(error, "invalid_argument", "not_found", "failed_precondition") ||
    (isFault(error, "unavailable") && error.cause === undefined);
}
