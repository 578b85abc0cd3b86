import { describeError, isFault } from "../../../../../pkg/fault/mod.ts";
import { ApiFault } from "../../../../../pkg/kube/mod.ts";
import type { Instance } from "../port.ts";

/** The cluster's refusal to run an app, as a reason of an instance. */
export interface Refusal {
  /**
   * `refused`: no waiting mends it. `quota`, `sandbox`, `mount` and `cluster_trouble`: it may go away by itself. `leaving`:
   * something of before is still on its way out.
   */
  readonly reason: "refused" | "quota" | "sandbox" | "mount" | "cluster_trouble" | "leaving";
  /** The trouble, its reason, and who can do what about it. */
  readonly message: string;
}

const SAID_CHARS_MAX = 600;

interface Kind {
  readonly said: RegExp;
  readonly reason: Refusal["reason"];
  readonly advice: string;
}

const BY_ITSELF = "It starts by itself as soon as the cluster takes it.";

/** A quota with none of a thing in use has no room for the app, whatever else goes: `used: memory=0, limited: …`. */
const QUOTA_TOO_SMALL = /exceeded quota: .{0,1000}\bused: ([^:]*,)?[\w./-]+=0(,|$)/;

/** The first that matches counts; what none matches is a rule of the cluster that the pods break. */
const KINDS: readonly Kind[] = [
  {
    said: QUOTA_TOO_SMALL,
    reason: "refused",
    advice:
      "The quota has no room for an app of this size, also when nothing else runs: make it smaller (unkey " +
      "deploy --memory, --cpu), or the region's operator raises the quota.",
  },
  {
    said: /exceeded quota/,
    reason: "quota",
    advice:
      "It starts by itself as soon as there is room: stop deployments that are not needed (unkey stop), or " +
      "the region's operator raises the quota.",
  },
  {
    said:
      /failed calling webhook|failed to call webhook|looking up service account|Internal error|timed out|timeout|etcdserver|connection refused|too many requests|no endpoints available/i,
    reason: "cluster_trouble",
    advice: `${BY_ITSELF} If that takes minutes, the region's operator looks at the cluster.`,
  },
  {
    said: /because it is being terminated/,
    reason: "cluster_trouble",
    advice: "It starts by itself as soon as the namespace is gone; the region's operator sees what holds it.",
  },
  {
    said: /violates PodSecurity/,
    reason: "refused",
    advice:
      "The region's operator lowers the level that the namespace enforces, or sets up the agent for it; " +
      "then deploy again.",
  },
  {
    said: /(maximum|minimum) \S+ (usage|limit|request)|limit to request ratio/,
    reason: "refused",
    advice:
      "Give the app a size that is allowed (unkey deploy --memory, --cpu), or the region's operator changes " +
      "the LimitRange of the namespace.",
  },
  {
    said: /RuntimeClass .{0,300}not found/,
    reason: "refused",
    advice:
      "The region's operator installs that RuntimeClass, or starts the agent with another --runtime-class; " +
      "then deploy again.",
  },
  {
    said: /\bUser "[^"]*" cannot\b/,
    reason: "refused",
    advice: "The region's operator gives the agent this right; then deploy again.",
  },
  {
    said: /denied (the )?request/,
    reason: "refused",
    advice: "It is a policy of the cluster: the region's operator changes or lifts it; then deploy again.",
  },
];

const OTHERWISE: Omit<Kind, "said"> = {
  reason: "refused",
  advice: "The region's operator finds out what refuses it; then deploy again.",
};

/** The refusal of pods by what Kubernetes said about one. */
export function podRefusal(text: string): Refusal {
  return refusalOf("Kubernetes does not take the app's pods", text);
}

/** The refusal of the objects that pods are made from; `undefined`: the error is not an answer of the cluster. */
export function placementRefusal(error: unknown): Refusal | undefined {
  if (!isFault(error)) return undefined;
  const text = (error.publicMessage ?? describeError(error)).replace(/^Kubernetes: /, "");
  const isPassing = !(error instanceof ApiFault) || error.status >= 500 || error.status === 429 ||
    error.reason === "Conflict";
  // What the agent finds wrong with what it was given, it would find wrong again.
  const isOwn = !(error instanceof ApiFault) && isFault(error, "invalid_argument", "failed_precondition");
  if (!isPassing || isOwn) return refusalOf("Kubernetes does not take the app", text);
  // What the agent says of its connection names the cluster's address, which is no user's business.
  const said = error instanceof ApiFault ? sentence(text) : "Kubernetes does not answer it.";
  const message = `The region's agent cannot start the app: ${said} ${BY_ITSELF} If that takes minutes, ` +
    "the region's operator looks at the cluster.";
  return { reason: "cluster_trouble", message };
}

/** A handler that the node lacks; everything else about a sandbox may pass. */
const HANDLER_MISSING =
  /no runtime for|runtime handler .{0,300}(not found|not supported|unknown)|unknown runtime/i;

/** A warning of a node about a pod that it is making; `undefined`: it does not keep the pod from starting. */
export function nodeRefusal(
  event: { readonly reason: string; readonly message: string },
): Refusal | undefined {
  const said = sentence(event.message);
  switch (event.reason) {
    case "FailedCreatePodSandBox":
    case "NetworkNotReady":
      return HANDLER_MISSING.test(said)
        ? {
          reason: "refused",
          message:
            `The node cannot run the app's pod: ${said} The region's operator installs that runtime on the ` +
            "nodes, or starts the agent with another --runtime-class; then deploy again.",
        }
        : {
          reason: "sandbox",
          message:
            `The node cannot make the app's pod: ${said} It tries again and again; the region's operator ` +
            "looks at the node and its network.",
        };
    case "FailedMount":
    case "FailedAttachVolume":
      return {
        reason: "mount",
        message:
          `The node cannot mount a volume of the app's pod: ${said} It tries again and again; the region's ` +
          "operator looks at the node.",
      };
    default:
      return undefined;
  }
}

function refusalOf(what: string, text: string): Refusal {
  const { reason, advice } = KINDS.find(({ said }) => said.test(text)) ?? OTHERWISE;
  return { reason, message: `${what}: ${sentence(text)} ${advice}` };
}

/** Without names and ids that differ at every attempt: the same answer must be the same text. */
function sentence(text: string): string {
  const said = text.replace(/\b(pods|replicasets\.apps) "[^"]*" is (forbidden|invalid): /g, "")
    .replace(/\b[0-9a-f]{32,}\b/g, "…").replaceAll(/\s+/g, " ").trim().slice(0, SAID_CHARS_MAX);
  return /[.!?]$/.test(said) ? said : `${said}.`;
}

/** The instance that stands for pods that are not there. */
export function refusedInstance(name: string, { reason, message }: Refusal): Instance {
  return {
    name: refusedName(name),
    address: "",
    cpuMillicores: 0,
    memoryMib: 0,
    status: "pending",
    reason,
    message,
    restarts: 0,
    lastLogLines: [],
  };
}

export function refusedName(name: string): string {
  return `${name}-refused`;
}
