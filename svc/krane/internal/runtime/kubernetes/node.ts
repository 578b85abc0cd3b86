import type { V1Node, V1NodeSpec, V1NodeStatus, V1NodeSystemInfo, V1Taint } from "@kubernetes/client-node";
import { z } from "zod";
import { type FieldsOf, Metadata } from "../../../../../pkg/kube/mod.ts";

const Taint = z.object({ key: z.string() } satisfies FieldsOf<V1Taint>);
const NodeInfo = z.object(
  {
    operatingSystem: z.string().default(""),
    architecture: z.string().default(""),
  } satisfies FieldsOf<V1NodeSystemInfo>,
);

/** The fields of a node that are kept. */
export const Node = z.object(
  {
    metadata: Metadata,
    spec: z.object(
      { unschedulable: z.boolean().nullish(), taints: z.array(Taint).nullish() } satisfies FieldsOf<
        V1NodeSpec
      >,
    ).default({}),
    status: z.object({ nodeInfo: NodeInfo.nullish() } satisfies FieldsOf<V1NodeStatus>).default({}),
  } satisfies FieldsOf<V1Node>,
);
export type Node = z.output<typeof Node>;

/** True if its pods are to go elsewhere: it was cordoned, is being deleted, or has one of these taints. */
export function isDraining({ metadata, spec }: Node, drainTaints: readonly string[]): boolean {
  return spec.unschedulable === true || metadata.deletionTimestamp !== undefined ||
    (spec.taints ?? []).some(({ key }) => drainTaints.includes(key));
}

/** As in `linux/amd64`; `undefined` while it is not known. */
export function platformOf({ status }: Node): string | undefined {
  const { architecture = "", operatingSystem = "" } = status.nodeInfo ?? {};
  return architecture === "" || operatingSystem === "" ? undefined : `${operatingSystem}/${architecture}`;
}
