import { z } from "zod";
import { isFault } from "../fault/mod.ts";
import { callJson, callText, type Engine } from "./engine.ts";

/** A network of the engine. */
export interface Network {
  readonly id: string;
  readonly name: string;
  /** In the form `10.1.0.0/16`; the first of it. Empty when it has none. */
  readonly subnet: string;
  /** The engine's own address in it; empty when it reports none. */
  readonly gateway: string;
}

/** A bridge to make. */
export interface SeparatingBridge {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Absent: the engine chooses, and containers cannot be given addresses. */
  readonly range?: {
    readonly subnet: string;
    readonly gateway: string;
    /** A part of the subnet, for containers that are given no address. */
    readonly dynamic: string;
  };
}

const Created = z.object({ Id: z.string() });
const Inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  IPAM: z.object({
    Config: z.array(z.object({ Subnet: z.string().default(""), Gateway: z.string().default("") })).nullish(),
  }).nullish(),
});

/**
 * Makes a bridge whose containers reach the world and are reached by this machine, but never by each other. One of the
 * name that is there already is taken as it is.
 *
 * @throws `invalid_argument` when the subnet overlaps with another network of the engine
 */
export async function ensureSeparatingBridge(
  engine: Engine,
  bridge: SeparatingBridge,
  signal: AbortSignal,
): Promise<void> {
  if (await inspectNetwork(engine, bridge.name, signal) !== undefined) return;
  const { range } = bridge;
  const body = {
    Name: bridge.name,
    Driver: "bridge",
    // Two callers at once would otherwise make two of one name.
    CheckDuplicate: true,
    Options: { "com.docker.network.bridge.enable_icc": "false" },
    Labels: bridge.labels,
    ...(range === undefined ? {} : {
      IPAM: { Config: [{ Subnet: range.subnet, Gateway: range.gateway, IPRange: range.dynamic }] },
    }),
  };
  try {
    await callJson(engine, { method: "POST", path: "/networks/create", body, signal }, Created);
  } catch (error) {
    if (!isFault(error, "already_exists")) throw error;
  }
}

/** The network, or `undefined` when there is none. */
export async function inspectNetwork(
  engine: Engine,
  name: string,
  signal: AbortSignal,
): Promise<Network | undefined> {
  try {
    const request = { method: "GET", path: pathOf(name), signal } as const;
    const { Id, Name, IPAM } = await callJson(engine, request, Inspected);
    const [first] = IPAM?.Config ?? [];
    return { id: Id, name: Name, subnet: first?.Subnet ?? "", gateway: first?.Gateway ?? "" };
  } catch (error) {
    if (isFault(error, "not_found")) return undefined;
    throw error;
  }
}

/** The networks that carry every one of `labels` (`name` or `name=value`). */
export async function listNetworks(
  engine: Engine,
  labels: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly id: string; readonly name: string }[]> {
  const query = { filters: JSON.stringify({ label: labels }) };
  const found = z.array(z.object({ Id: z.string(), Name: z.string() }));
  const raw = await callJson(engine, { method: "GET", path: "/networks", query, signal }, found);
  return raw.map(({ Id, Name }) => ({ id: Id, name: Name }));
}

/**
 * Removes a network. Harmless when it is gone.
 *
 * @throws `invalid_argument` while a running container is in it
 */
export async function removeNetwork(engine: Engine, name: string, signal: AbortSignal): Promise<void> {
  try {
    await callText(engine, { method: "DELETE", path: pathOf(name), signal });
  } catch (error) {
    if (!isFault(error, "not_found")) throw error;
  }
}

function pathOf(name: string): string {
  return `/networks/${encodeURIComponent(name)}`;
}
