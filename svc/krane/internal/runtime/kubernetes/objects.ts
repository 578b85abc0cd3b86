import type {
  V1ContainerState,
  V1ContainerStateTerminated,
  V1ContainerStatus,
  V1ManagedFieldsEntry,
  V1Pod,
  V1PodCondition,
  V1PodSpec,
  V1PodStatus,
  V1ReplicaSet,
} from "@kubernetes/client-node";
import { z } from "zod";
import { type FieldsOf, Metadata } from "../../../../../pkg/kube/mod.ts";

const Condition = z.object(
  {
    type: z.string(),
    status: z.string(),
    reason: z.string().default(""),
    message: z.string().default(""),
    lastTransitionTime: z.string().nullish(),
  } satisfies FieldsOf<V1PodCondition>,
);

const Terminated = z.object(
  {
    exitCode: z.number(),
    reason: z.string().default(""),
    message: z.string().default(""),
    containerID: z.string().default(""),
    finishedAt: z.string().nullish(),
  } satisfies FieldsOf<V1ContainerStateTerminated>,
);

const ContainerState = z.object(
  {
    waiting: z.object({ reason: z.string().default(""), message: z.string().default("") }).optional(),
    running: z.object({ startedAt: z.string().default("") }).optional(),
    terminated: Terminated.optional(),
  } satisfies FieldsOf<V1ContainerState>,
);

const ContainerStatus = z.object(
  {
    name: z.string(),
    containerID: z.string().default(""),
    restartCount: z.number().default(0),
    started: z.boolean().nullish(),
    ready: z.boolean().default(false),
    state: ContainerState.default({}),
    lastState: ContainerState.default({}),
  } satisfies FieldsOf<V1ContainerStatus>,
);

const Quantities = z.record(z.string(), z.string()).default({});

/** The fields of a pod that are kept. */
export const Pod = z.object(
  {
    metadata: Metadata,
    spec: z.object(
      {
        nodeName: z.string().default(""),
        terminationGracePeriodSeconds: z.number().nullish(),
        containers: z.array(z.object({
          name: z.string(),
          image: z.string().default(""),
          resources: z.object({ limits: Quantities }).default({ limits: {} }),
        })),
      } satisfies FieldsOf<V1PodSpec>,
    ),
    status: z.object(
      {
        phase: z.string().default("Unknown"),
        reason: z.string().default(""),
        message: z.string().default(""),
        podIP: z.string().default(""),
        conditions: z.array(Condition).default([]),
        containerStatuses: z.array(ContainerStatus).default([]),
        initContainerStatuses: z.array(ContainerStatus).default([]),
      } satisfies FieldsOf<V1PodStatus>,
    ).default({
      phase: "Unknown",
      reason: "",
      message: "",
      podIP: "",
      conditions: [],
      containerStatuses: [],
      initContainerStatuses: [],
    }),
  } satisfies FieldsOf<V1Pod>,
);
export type Pod = z.output<typeof Pod>;
export type ContainerStatus = z.output<typeof ContainerStatus>;
export type Terminated = z.output<typeof Terminated>;

const Writer = z.object({ manager: z.string().default("") } satisfies FieldsOf<V1ManagedFieldsEntry>);

/** The fields of a ReplicaSet that are kept. */
export const ReplicaSet = z.object(
  {
    metadata: Metadata.extend({ managedFields: z.array(Writer).default([]) }),
    spec: z.object({ replicas: z.number().default(1) }),
    status: z.object({ conditions: z.array(Condition).default([]) }).default({ conditions: [] }),
  } satisfies FieldsOf<V1ReplicaSet>,
);
export type ReplicaSet = z.output<typeof ReplicaSet>;

/** The thousandths of `250m` or `1`. */
export function millicores(quantity: string | undefined): number {
  if (quantity === undefined) return 0;
  return quantity.endsWith("m") ? Number(quantity.slice(0, -1)) : Number(quantity) * 1_000;
}

const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** The MiB of `64Mi` or `1G`. */
export function mebibytes(quantity: string | undefined): number {
  const [, number = "0", unit = ""] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(quantity ?? "") ?? [];
  return Math.round(Number(number) * (BYTES[unit] ?? 1) / 2 ** 20);
}
