/** The configuration of a deployment's image, as its row has it. */
import { z } from "zod";
import type { ImageConfig } from "../../../../../pkg/registry/mod.ts";

const HealthCheck = z.object({
  command: z.array(z.string()),
  intervalMs: z.number(),
  timeoutMs: z.number(),
  retries: z.number(),
});

const Config = z.object({
  exposedPorts: z.array(z.number()).default([]),
  healthCheck: HealthCheck.optional(),
  volumes: z.array(z.string()).default([]),
  user: z.string().default(""),
  stopSignal: z.string().default(""),
  entrypoint: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
});

/** @throws when another program has written the column */
export function decodeImageConfig(text: string | null): ImageConfig | undefined {
  if (text === null) return undefined;
  const { healthCheck, ...config } = Config.parse(JSON.parse(text));
  return { ...config, ...(healthCheck === undefined ? {} : { healthCheck }) };
}
