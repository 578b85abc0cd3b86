/** Values that several routes answer with. */
import { z } from "zod";
import type { SwitchPath } from "../../internal/deployments/gates.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import type { CustomDomainStatus } from "../../internal/store/mod.ts";
import { appBody } from "./app_body.ts";
import { named } from "./named.ts";

/** Milliseconds since the epoch. */
export const time = named("Time", z.int().min(0), "Milliseconds since 1970-01-01T00:00:00Z.");
export const count = z.int().min(0);

const STATUS = {
  pending: "PENDING",
  queued: "QUEUED",
  building: "BUILDING",
  deploying: "DEPLOYING",
  network: "NETWORK",
  ready: "READY",
  failed: "FAILED",
  cancelled: "CANCELLED",
  superseded: "SUPERSEDED",
  stopped: "STOPPED",
} as const satisfies Record<DeploymentStatus, Uppercase<DeploymentStatus>>;

export const statusShape = named("DeploymentStatus", z.enum(STATUS));

/** A deployment's status as REST clients see it. */
export function shownStatus(status: DeploymentStatus): z.infer<typeof statusShape> {
  return STATUS[status];
}

export const sizeShape = named(
  "Size",
  z.object({ cpuMillicores: z.int(), memoryMib: z.int(), replicas: z.int() }),
  "What each instance gets, and the number of instances in each region.",
);

/** The ways in which traffic moves. */
export const PATHS = { instant: "INSTANT", warm: "WARM", cold: "COLD" } as const satisfies Record<
  SwitchPath,
  Uppercase<SwitchPath>
>;

export const switchShape = named(
  "Switch",
  z.object({
    projectSlug: z.string(),
    environmentSlug: z.string(),
    fromDeploymentId: z.string().optional(),
    toDeploymentId: z.string(),
    path: z.enum(PATHS),
    rolledBack: z.boolean(),
    hostnames: z.array(z.string()),
    tookMs: count,
  }),
  "Traffic that was moved. INSTANT: the deployment was running; WARM and COLD: instances were started first.",
);

export const listedShape = named(
  "ListedDeployment",
  z.object({
    id: z.string(),
    status: statusShape,
    live: z.boolean(),
    projectId: z.string(),
    environmentSlug: z.string(),
    branch: z.string(),
    hostnames: z.array(z.string()),
    createdAt: time,
    errorMessage: z.string().optional(),
  }),
);

const queueShape = z.object({
  position: z.int().min(1),
  blockerIds: z.array(z.string()),
  blocker: z.string(),
  queuedAt: time,
});

const stepShape = z.object({
  status: z.string(),
  message: z.string(),
  errorMessage: z.string(),
  createdAt: time,
});

export const deploymentShape = named(
  "Deployment",
  z.object({
    id: z.string(),
    status: statusShape,
    hostnames: z.array(z.string()).optional(),
    protected: z.literal(true).optional(),
    asleep: z.object({
      since: time,
      waking: z.boolean().describe("A request has woken it, and none of its instances runs yet."),
    }).optional().describe("Present while it sleeps: the next request wakes it."),
    errorMessage: z.string().optional(),
    imageRemoved: z.boolean().optional(),
    imageSourceDeploymentId: z.string().optional(),
    app: appBody.optional(),
    stopsAt: time.optional(),
    queue: queueShape.optional(),
    steps: z.array(stepShape).optional(),
  }),
);

/** Statuses of a domain as REST clients see them. */
export const DOMAIN_STATUS = {
  pending: "PENDING",
  verifying: "VERIFYING",
  verified: "VERIFIED",
  failed: "FAILED",
} as const satisfies Record<CustomDomainStatus, Uppercase<CustomDomainStatus>>;

export const domainShape = named(
  "Domain",
  z.object({
    id: z.string(),
    domain: z.string(),
    environmentSlug: z.string(),
    status: z.enum(DOMAIN_STATUS),
    reaches: z.boolean(),
    proof: z.string().optional(),
    redirectTo: z.string().optional(),
    issues: z.array(z.object({ code: z.string(), message: z.string(), fix: z.string() })),
    records: z.array(z.object({
      type: z.enum(["CNAME", "A", "AAAA", "ALIAS", "TXT"]),
      name: z.string(),
      value: z.string(),
      purpose: z.enum(["route", "proof"]),
      required: z.boolean(),
    })),
    createdAt: time,
    verifiedAt: time.optional(),
    checkedAt: time.optional(),
    certificateEndsAt: time.optional(),
    certificateProblem: z.string().optional(),
  }),
  "A custom domain with what the DNS says of it, and the records to set.",
);

/** The data of a successful answer that has none. */
export const nothing = named("Nothing", z.object({}));

/** By a password of the environment, or by that of all previews. */
export const protectionShape = z.enum(["own", "previews"]);
