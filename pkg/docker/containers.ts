import { z } from "zod";
import { isFault } from "../fault/mod.ts";
import { callJson, callText, type Engine } from "./engine.ts";

/** A container to create. Nothing that matters for safety is left to the engine's defaults. */
export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  /** Replaces the image's entry point and command; absent: the image decides. */
  readonly command?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly limits: ContainerLimits;
  readonly publish: readonly { readonly port: number; readonly hostIp: string; readonly hostPort: number }[];
  /** Name of the engine's network that it is in. */
  readonly network: string;
  /** Its address there, for networks with a subnet of their own; absent: the engine chooses one at each start. */
  readonly address?: string;
  /** `always`: also after the engine itself was restarted, unless the container was stopped by hand. */
  readonly restart: "no" | "always";
  /** The limit of the output that the engine keeps. */
  readonly output: { readonly fileBytesMax: number; readonly filesMax: number };
  /** Linux capabilities to take away from the engine's default set. */
  readonly capabilitiesDropped: readonly string[];
  /** Beyond the engine's default. */
  readonly capabilitiesAdded?: readonly string[];
  /** E.g. `SIGQUIT`; absent: the image's, else SIGTERM. */
  readonly stopSignal?: string;
  /** True: the engine's small init process is the parent of the container's program, and collects orphans. */
  readonly init: boolean;
}

export interface ContainerLimits {
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
  readonly pidsMax: number;
}

export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string;
}

/** A container in detail. */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  /** The number of restarts by the engine since it was last started by hand. */
  readonly restarts: number;
  /** Its address in the engine's own network; empty while it does not run. */
  readonly ip: string;
  /** Host port by container port; only what is published over TCP. */
  readonly hostPorts: ReadonlyMap<number, number>;
  readonly limits: ContainerLimits;
}

export interface ContainerState {
  readonly status: "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why the engine could not start it. */
  readonly error: string;
  readonly startedAt: string;
  /** Of the last run; before the first end it is a time in the year 1. */
  readonly finishedAt: string;
}

const Created = z.object({ Id: z.string() });
const Labels = z.record(z.string(), z.string()).nullish();
const Bindings = z.record(z.string(), z.array(z.object({ HostPort: z.string() })).nullish());

const Summary = z.object({ Id: z.string(), Names: z.array(z.string()), Labels, State: z.string() });

const Inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  RestartCount: z.number().default(0),
  State: z.object({
    Status: z.enum(["created", "running", "paused", "restarting", "removing", "exited", "dead"]),
    ExitCode: z.number(),
    OOMKilled: z.boolean().default(false),
    Error: z.string().default(""),
    StartedAt: z.string(),
    FinishedAt: z.string().default(""),
  }),
  Config: z.object({ Labels, Env: z.array(z.string()).nullish() }),
  HostConfig: z.object({
    NanoCpus: z.number().default(0),
    Memory: z.number().default(0),
    PidsLimit: z.number().nullish(),
    PortBindings: Bindings.nullish(),
  }),
  NetworkSettings: z.object({
    Networks: z.record(z.string(), z.object({ IPAddress: z.string().default("") })).nullish(),
  }),
});

/**
 * Creates a container and returns its id; it does not run yet.
 *
 * @throws `not_found` when the image is not there, `already_exists` when the name is taken
 */
export async function createContainer(
  engine: Engine,
  spec: ContainerSpec,
  signal: AbortSignal,
): Promise<string> {
  const body = containerBody(spec);
  const query = { name: spec.name };
  const { Id } = await callJson(
    engine,
    { method: "POST", path: "/containers/create", query, body, signal },
    Created,
  );
  return Id;
}

/** The engine's form of a spec. */
export function containerBody(spec: ContainerSpec): Readonly<Record<string, unknown>> {
  const ports = spec.publish.map(({ port, hostIp, hostPort }) =>
    [`${port}/tcp`, [{ HostIp: hostIp, HostPort: String(hostPort) }]] as const
  );
  return {
    Image: spec.image,
    ...(spec.command === undefined ? {} : { Entrypoint: spec.command, Cmd: [] }),
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: spec.labels,
    ExposedPorts: Object.fromEntries(ports.map(([port]) => [port, {}])),
    ...(spec.address === undefined ? {} : {
      NetworkingConfig: {
        EndpointsConfig: { [spec.network]: { IPAMConfig: { IPv4Address: spec.address } } },
      },
    }),
    ...(spec.stopSignal === undefined ? {} : { StopSignal: spec.stopSignal }),
    // Health checks are asked by the owner of the container, in its own rhythm.
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      NanoCpus: spec.limits.cpuMillicores * 1_000_000,
      Memory: spec.limits.memoryBytes,
      // The same as memory: no swap on top.
      MemorySwap: spec.limits.memoryBytes,
      PidsLimit: spec.limits.pidsMax,
      PortBindings: Object.fromEntries(ports),
      NetworkMode: spec.network,
      RestartPolicy: { Name: spec.restart },
      SecurityOpt: ["no-new-privileges"],
      CapDrop: spec.capabilitiesDropped,
      CapAdd: spec.capabilitiesAdded ?? [],
      Privileged: false,
      Init: spec.init,
      LogConfig: {
        Type: "json-file",
        Config: { "max-size": String(spec.output.fileBytesMax), "max-file": String(spec.output.filesMax) },
      },
    },
  };
}

/** Starts a container; harmless when it runs. */
export async function startContainer(engine: Engine, id: string, signal: AbortSignal): Promise<void> {
  await callText(engine, { method: "POST", path: `${pathOf(id)}/start`, signal });
}

/** SIGTERM, then SIGKILL after `graceSeconds`. Harmless when it has stopped or is gone. */
export async function stopContainer(
  engine: Engine,
  id: string,
  graceSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const timeoutMs = (graceSeconds + 30) * 1_000;
  const query = { t: String(graceSeconds) };
  await unlessGone(
    callText(engine, { method: "POST", path: `${pathOf(id)}/stop`, query, signal, timeoutMs }),
  );
}

/** Removes a container with its anonymous volumes, also while it runs. Harmless when it is gone. */
export async function removeContainer(engine: Engine, id: string, signal: AbortSignal): Promise<void> {
  const query = { force: "1", v: "1" };
  try {
    await unlessGone(callText(engine, { method: "DELETE", path: pathOf(id), query, signal }));
  } catch (error) {
    // Another client removes it just now: that was the request.
    if (!isFault(error, "already_exists")) throw error;
  }
}

/** The container, or `undefined` when there is none. */
export async function inspectContainer(
  engine: Engine,
  id: string,
  signal: AbortSignal,
): Promise<Container | undefined> {
  try {
    const raw = await callJson(engine, { method: "GET", path: `${pathOf(id)}/json`, signal }, Inspected);
    return toContainer(raw);
  } catch (error) {
    if (isFault(error, "not_found")) return undefined;
    throw error;
  }
}

/** All containers, running or not, that carry every one of `labels` (`name` or `name=value`). */
export async function listContainers(
  engine: Engine,
  labels: readonly string[],
  signal: AbortSignal,
): Promise<ContainerSummary[]> {
  const query = { all: "1", filters: JSON.stringify({ label: labels }) };
  const raw = await callJson(
    engine,
    { method: "GET", path: "/containers/json", query, signal },
    z.array(Summary),
  );
  return raw.map(({ Id, Names, Labels: given, State }) => ({
    id: Id,
    name: (Names[0] ?? "").replace(/^\//, ""),
    labels: given ?? {},
    state: State,
  }));
}

const Sized = z.object({
  Id: z.string(),
  Names: z.array(z.string()).default([]),
  Labels: z.record(z.string(), z.string()).nullish(),
  /** Missing for a container that has written nothing. */
  SizeRw: z.number().default(0),
});

/** The bytes that containers with all these labels have written beside their images. The engine reads all their files. */
export async function containerSizes(
  engine: Engine,
  labels: readonly string[],
  signal: AbortSignal,
): Promise<
  {
    readonly id: string;
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly writtenBytes: number;
  }[]
> {
  const query = { all: "1", size: "1", filters: JSON.stringify({ label: labels }) };
  const request = {
    method: "GET",
    path: "/containers/json",
    query,
    signal,
    timeoutMs: SIZES_MS_MAX,
  } as const;
  return (await callJson(engine, request, z.array(Sized))).map((each) => ({
    id: each.Id,
    name: (each.Names[0] ?? "").replace(/^\//, ""),
    labels: each.Labels ?? {},
    writtenBytes: each.SizeRw,
  }));
}

const SIZES_MS_MAX = 300_000;

function toContainer(raw: z.infer<typeof Inspected>): Container {
  const hostPorts = new Map<number, number>();
  for (const [key, bindings] of Object.entries(raw.HostConfig.PortBindings ?? {})) {
    const hostPort = Number(bindings?.[0]?.HostPort ?? "");
    if (key.endsWith("/tcp") && hostPort > 0) hostPorts.set(Number.parseInt(key, 10), hostPort);
  }
  const networks = Object.values(raw.NetworkSettings.Networks ?? {});
  return {
    id: raw.Id,
    name: raw.Name.replace(/^\//, ""),
    imageId: raw.Image,
    labels: raw.Config.Labels ?? {},
    env: Object.fromEntries((raw.Config.Env ?? []).map(splitVariable)),
    state: {
      status: raw.State.Status,
      exitCode: raw.State.ExitCode,
      oomKilled: raw.State.OOMKilled,
      error: raw.State.Error,
      startedAt: raw.State.StartedAt,
      finishedAt: raw.State.FinishedAt,
    },
    restarts: raw.RestartCount,
    ip: networks.find((each) => each.IPAddress !== "")?.IPAddress ?? "",
    hostPorts,
    limits: {
      cpuMillicores: Math.round(raw.HostConfig.NanoCpus / 1_000_000),
      memoryBytes: raw.HostConfig.Memory,
      pidsMax: raw.HostConfig.PidsLimit ?? 0,
    },
  };
}

function splitVariable(text: string): [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function pathOf(id: string): string {
  return `/containers/${encodeURIComponent(id)}`;
}

async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isFault(error, "not_found")) throw error;
  }
}
