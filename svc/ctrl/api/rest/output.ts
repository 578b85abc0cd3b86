/** The routes of output and events of instances, and of events of a deployment. */
import { z } from "zod";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { decodeStrings } from "../../internal/json.ts";
import type { DeploymentEventPayload } from "../../internal/deployments/events.ts";
import type { InstanceEventsTable, InstancesTable, LogLine } from "../../internal/store/mod.ts";
import { listDeploymentInstanceEvents } from "../../services/deployment/list_instance_events.ts";
import { listDeploymentInstances } from "../../services/deployment/list_instances.ts";
import { type LogRequest, requireLogs, streamLogs } from "../../services/deployment/stream_logs.ts";
import { requireEvents, watchEvents } from "../../services/deployment/watch_events.ts";
import { DEPLOYMENT_MISSING, saying } from "./deploy.ts";
import { CREATED_AT, DEPLOYMENT } from "./examples.ts";
import { lastLines } from "./last_lines.ts";
import { failureShape, HEARTBEAT, heartbeatShape, openLines } from "./lines.ts";
import { named } from "./named.ts";
import { answer, defineRoute, lines, ok, streamed } from "./route.ts";
import { deploymentBody, getLogsBody, LOG_LINES_MAX, streamEventsBody, streamLogsBody } from "./schemas.ts";
import { count, shownStatus, statusShape, time } from "./shapes.ts";

const missing = saying(DEPLOYMENT_MISSING);
const TAIL = 100;
/** Of the text in one answer. */
const TEXT_MIB_MAX = 4;

const instanceShape = named(
  "Instance",
  z.object({
    name: z.string(),
    region: z.string(),
    status: z.enum(["inactive", "pending", "running", "failed"]),
    reason: z.string(),
    message: z.string(),
    restarts: count,
    exitCode: z.int().optional(),
    lastLogLines: z.array(z.string()),
    cpuMillicores: count,
    memoryMib: count,
    troubleSince: time.optional(),
    updatedAt: time,
  }),
);

const instanceEventShape = named(
  "InstanceEvent",
  z.object({
    kind: z.enum(["ended", "trouble", "recovered", "scaled"]),
    reason: z.string(),
    message: z.string(),
    instance: z.string(),
    region: z.string(),
    exitCode: z.int().optional(),
    times: count,
    firstAt: time,
    lastAt: time,
  }),
);

const lineShape = named(
  "LogLine",
  z.object({
    instance: z.string(),
    region: z.string(),
    time,
    stream: z.enum(["stdout", "stderr"]),
    text: z.string(),
  }),
);

const payload = { sequence: z.int().min(1), createdAt: time };
const eventShape = named(
  "DeploymentEvent",
  z.discriminatedUnion("kind", [
    z.object({
      kind: z.literal("status"),
      ...payload,
      status: statusShape,
      errorMessage: z.string().optional(),
      failureCode: z.string().optional(),
      urls: z.array(z.string()).readonly().optional(),
    }),
    z.object({
      kind: z.literal("step"),
      ...payload,
      name: z.enum(["queued", "building", "deploying", "network"]),
      status: z.enum(["running", "done", "failed"]),
      message: z.string(),
    }),
    z.object({
      kind: z.literal("log"),
      ...payload,
      source: z.enum(["build", "instance"]),
      origin: z.string(),
      lines: z.array(z.string()).readonly(),
    }),
    z.object({ kind: z.literal("notice"), ...payload, message: z.string() }),
  ]),
);

const LINE = {
  instance: "shop-7d9f-1",
  region: "eu-1",
  time: CREATED_AT,
  stream: "stdout",
  text: "listening on 3000",
} as const;

export const listInstancesRoute = defineRoute({
  name: "listInstances",
  tag: "Output",
  summary: "Lists the instances of a deployment in all regions, as their agents reported them last.",
  rpc: DeploymentService.method.listInstances,
  body: deploymentBody,
  example: { deploymentId: DEPLOYMENT },
  answers: {
    200: answer("All of them.", z.object({ instances: z.array(instanceShape) }), {
      instances: [{
        name: "shop-7d9f-1",
        region: "eu-1",
        status: "running",
        reason: "",
        message: "",
        restarts: 0,
        lastLogLines: [],
        cpuMillicores: 256,
        memoryMib: 256,
        updatedAt: CREATED_AT,
      }],
    }),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body: { deploymentId } }) {
    const instances = await listDeploymentInstances(deps, caller, deploymentId).catch(missing);
    return ok({ instances: instances.map(instanceData) });
  },
});

export const listInstanceEventsRoute = defineRoute({
  name: "listInstanceEvents",
  tag: "Output",
  summary: "Lists what happened to the instances of a deployment, in the order of time.",
  rpc: DeploymentService.method.listInstanceEvents,
  body: deploymentBody,
  example: { deploymentId: DEPLOYMENT },
  answers: {
    200: answer("All that is kept.", z.object({ events: z.array(instanceEventShape) }), {
      events: [{
        kind: "ended",
        reason: "out_of_memory",
        message: "It used more than 256 MiB of memory.",
        instance: "shop-7d9f-1",
        region: "eu-1",
        exitCode: 137,
        times: 1,
        firstAt: CREATED_AT,
        lastAt: CREATED_AT,
      }],
    }),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body: { deploymentId } }) {
    const events = await listDeploymentInstanceEvents(deps, caller, deploymentId).catch(missing);
    return ok({ events: events.map(instanceEventData) });
  },
});

export const getLogsRoute = defineRoute({
  name: "getLogs",
  tag: "Output",
  summary:
    `Returns the last lines that the deployment's instances printed: \`tail\` of them, ${TAIL} if absent.`,
  rpc: DeploymentService.method.streamInstanceLogs,
  body: getLogsBody,
  example: { deploymentId: DEPLOYMENT, tail: 20 },
  answers: {
    200: answer(
      `In the order of time; at most ${LOG_LINES_MAX} lines and ${TEXT_MIB_MAX} MiB of text, the last ones.`,
      z.object({
        lines: z.array(lineShape),
        truncated: z.boolean().describe(
          `True if older lines were left out because the text of all has more than ${TEXT_MIB_MAX} MiB: ` +
            "ask for them with `until`.",
        ),
      }),
      { lines: [LINE], truncated: false },
    ),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body: { until = 0, ...body }, signal }) {
    const request = { ...logRequest(body), until: BigInt(until), follow: false };
    // A read holds more memory than most streams do.
    const logs = deps.streams.counted(caller.workspaceId, () => streamLogs(deps, caller, request, signal));
    const { lines: found, truncated } = await lastLines(logs, TEXT_MIB_MAX * 1024 * 1024).catch(missing);
    return ok({ lines: found.map(lineData), truncated });
  },
});

export const streamLogsRoute = defineRoute({
  name: "streamLogs",
  tag: "Output",
  summary: "Streams the last lines of a deployment's instances, then new ones as they are printed.",
  rpc: DeploymentService.method.streamInstanceLogs,
  body: streamLogsBody,
  example: { deploymentId: DEPLOYMENT, tail: 20 },
  answers: {
    200: lines(
      "A line of JSON for each line of output, and a heartbeat at the start and after 5 s without one.",
      z.union([lineShape, heartbeatShape, failureShape]),
      LINE,
    ),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body, signal }) {
    const request = { ...logRequest(body), follow: true };
    const opened = await openLines(deps.streams, caller, {
      check: () => requireLogs(deps, caller, request).catch(missing),
      follow: () => streamLogs(deps, caller, request, signal),
      encode: (each) => each.kind === "line" ? lineData(each.line) : HEARTBEAT,
    }, signal);
    return streamed(opened);
  },
});

export const streamEventsRoute = defineRoute({
  name: "streamEvents",
  tag: "Deployments",
  summary: "Streams the events of a deployment, up to that of its final status.",
  rpc: DeploymentService.method.watchDeploymentEvents,
  body: streamEventsBody,
  example: { deploymentId: DEPLOYMENT, afterSequence: 0 },
  answers: {
    200: lines(
      "A line of JSON for each event, and a heartbeat at the start and after 5 s without one. A client that was " +
        "cut off goes on with `afterSequence`.",
      z.union([eventShape, heartbeatShape, failureShape]),
      { kind: "status", sequence: 1, createdAt: CREATED_AT, status: "PENDING" },
    ),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body: { deploymentId, afterSequence = 0 }, signal }) {
    const from = { deploymentId, afterSequence };
    const opened = await openLines(deps.streams, caller, {
      check: () => requireEvents(deps, caller, from).catch(missing),
      follow: () => watchEvents(deps, caller, from, signal),
      encode: (each) =>
        each.kind === "heartbeat" ? HEARTBEAT : {
          sequence: each.event.sequence,
          createdAt: each.event.createdAtMs,
          ...payloadData(each.event.payload),
        },
    }, signal);
    return streamed(opened);
  },
});

function logRequest(
  { deploymentId, instance = "", region = "", tail = TAIL, since = 0 }: z.infer<typeof streamLogsBody>,
): Omit<LogRequest, "follow"> {
  return { deploymentId, instance, region, tail, since: BigInt(since), until: 0n };
}

function lineData({ instance, region, timeNs, stream, text }: LogLine): z.infer<typeof lineShape> {
  return { instance, region, time: Number(BigInt(timeNs) / 1_000_000n), stream, text };
}

function payloadData(event: DeploymentEventPayload) {
  return event.kind === "status" ? { ...event, status: shownStatus(event.status) } : event;
}

function instanceData(row: InstancesTable): z.infer<typeof instanceShape> {
  return {
    name: row.k8s_name,
    region: row.region,
    status: row.status,
    reason: row.reason,
    message: row.message,
    restarts: row.restarts,
    ...(row.exit_code === null ? {} : { exitCode: row.exit_code }),
    lastLogLines: [...decodeStrings(row.last_log_lines)],
    cpuMillicores: row.cpu_millicores,
    memoryMib: row.memory_mib,
    ...(row.trouble_since === null ? {} : { troubleSince: row.trouble_since }),
    updatedAt: row.updated_at,
  };
}

function instanceEventData(row: InstanceEventsTable): z.infer<typeof instanceEventShape> {
  return {
    kind: row.kind,
    reason: row.reason,
    message: row.message,
    instance: row.instance,
    region: row.region,
    ...(row.exit_code === null ? {} : { exitCode: row.exit_code }),
    times: row.times,
    firstAt: row.first_at,
    lastAt: row.last_at,
  };
}
