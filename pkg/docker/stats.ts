import { z } from "zod";
import { isFault } from "../fault/mod.ts";
import { callText, type Engine } from "./engine.ts";

const Stats = z.object({
  read: z.string(),
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }),
});

/** The processor time of a container since it was started, and when the engine read it. */
export interface CpuTime {
  readonly usedMs: number;
  readonly atMs: number;
}

/** Reads it once, without the engine's wait for a second sample; `undefined` for a container that is gone or does not run. */
export async function containerCpuTime(
  engine: Engine,
  id: string,
  signal: AbortSignal,
): Promise<CpuTime | undefined> {
  const query = { stream: "false", "one-shot": "true" };
  const path = `/containers/${encodeURIComponent(id)}/stats`;
  try {
    const text = await callText(engine, { method: "GET", path, query, signal });
    // It ended while the engine read it.
    if (text.trim() === "") return undefined;
    const { read, cpu_stats } = Stats.parse(JSON.parse(text));
    const atMs = Date.parse(read);
    // Of a container that does not run, the engine gives a time in the year 1.
    return atMs > 0 ? { usedMs: cpu_stats.cpu_usage.total_usage / 1e6, atMs } : undefined;
  } catch (error) {
    if (isFault(error, "not_found") || isFault(error, "already_exists")) return undefined;
    throw error;
  }
}
