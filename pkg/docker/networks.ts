import { z } from "zod";
import { isFault } from "../fault/mod.ts";
import { callJson, type Engine } from "./engine.ts";

const Inspected = z.object({ Id: z.string() });

/**
 * Makes a bridge whose containers reach the world and are reached by this machine, but never by each other. One of the
 * name that is there already is taken as it is.
 */
export async function ensureSeparatingBridge(
  engine: Engine,
  network: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<void> {
  try {
    const path = `/networks/${encodeURIComponent(network.name)}`;
    await callJson(engine, { method: "GET", path, signal }, Inspected);
    return;
  } catch (error) {
    if (!isFault(error, "not_found")) throw error;
  }
  const body = {
    Name: network.name,
    Driver: "bridge",
    // Two callers at once would otherwise make two of one name.
    CheckDuplicate: true,
    Options: { "com.docker.network.bridge.enable_icc": "false" },
    Labels: network.labels,
  };
  try {
    await callJson(engine, { method: "POST", path: "/networks/create", body, signal }, Inspected);
  } catch (error) {
    if (!isFault(error, "already_exists")) throw error;
  }
}
