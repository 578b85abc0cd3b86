import type { V1Toleration } from "@kubernetes/client-node";
import type { KubernetesSettings, Toleration } from "./settings.ts";

/** The taints with which Kubernetes marks a node that it has lost. */
const NODE_LOST = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/** The tolerations of an app's pods. Without those for lost nodes Kubernetes adds some of 300 s. */
export function podTolerations(
  { nodeLostSeconds, tolerations }: Pick<KubernetesSettings, "nodeLostSeconds" | "tolerations">,
): V1Toleration[] {
  const decided = tolerations.filter(({ effect = "NoExecute" }) => effect === "NoExecute");
  const lost = NODE_LOST.filter((key) => !decided.some((each) => each.key === key));
  return [
    ...tolerations.map(toleration),
    ...lost.map((key) => toleration({ key, effect: "NoExecute", seconds: nodeLostSeconds })),
  ];
}

/** A toleration as Kubernetes writes it. */
export function toleration({ effect, key, seconds, value }: Toleration): V1Toleration {
  return {
    key,
    ...(value === undefined ? { operator: "Exists" } : { operator: "Equal", value }),
    ...(effect === undefined ? {} : { effect }),
    ...(seconds === undefined ? {} : { tolerationSeconds: seconds }),
  };
}
