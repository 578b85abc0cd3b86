/** The schemas of the parts of `unkey status --json`. */
import { z } from "zod";
import type { CertificateJson } from "../cmd/status/certificates.ts";
import type { TroubleJson } from "../cmd/status/domains.ts";
import type { WorkerJson } from "../cmd/status/workers.ts";
import type { RegionJson } from "../cmd/status/regions.ts";
import type { InstanceEventJson } from "../cmd/status/events.ts";
import type { InstanceJson } from "../cmd/status/instances.ts";
import { count, flag, of, text, texts, time } from "./schema_words.ts";

export const instance = of<InstanceJson>()(z.strictObject({
  name: text,
  region: text,
  status: text,
  reason: text.optional(),
  message: text.optional(),
  since: time.optional(),
  restarts: count,
  exitCode: count.optional(),
  output: texts.optional(),
  lastEnd: z.strictObject({ reason: text, message: text, exitCode: count, at: time }).optional(),
}));
export const instanceEvent = of<InstanceEventJson>()(z.strictObject({
  kind: text,
  reason: text,
  message: text,
  instance: text,
  region: text,
  exitCode: count.optional(),
  times: count,
  firstAt: time,
  lastAt: time,
}));
export const certificate = of<CertificateJson>()(z.strictObject({
  hostname: text,
  notAfter: count.optional(),
  failures: count,
  problem: text.optional(),
  nextAttemptAt: count,
  late: flag,
}));
export const region = of<RegionJson>()(z.strictObject({
  region: text,
  desired: count,
  applied: count.optional(),
  observed: count.optional(),
  lag: count.optional(),
  waitingSince: time.optional(),
  silentSince: time.optional(),
  agents: z.array(
    z.strictObject({ id: text, alive: flag, applied: count, observed: count, lastSeenAt: time }),
  ).readonly(),
  instances: z.strictObject({ desired: count, running: count }),
  refused: count.optional(),
  sentinels: z.strictObject({ desired: count, healthy: count }).optional(),
  lastNack: z.strictObject({ resource: text, error: text, at: time }).optional(),
}));

export const worker = of<WorkerJson>()(
  z.strictObject({ id: text, alive: flag, startedAt: time, lastSeenAt: time }),
);
export const trouble = of<TroubleJson>()(z.strictObject({
  domain: text,
  project: text,
  environment: text,
  status: text,
  lostAt: time.optional(),
  problem: text.optional(),
}));
