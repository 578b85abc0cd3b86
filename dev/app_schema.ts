/** The settings of an app in the JSON that commands print; the names are those of `unkey.json`. */
import { z } from "zod";

const text = z.string();
const count = z.number().int();

const HEALTH_CHECK = z.strictObject({
  type: text.optional(),
  path: text.optional(),
  method: text.optional(),
  host: text.optional(),
  headers: z.record(z.string(), text).optional(),
  expect: text.optional(),
  interval: text.optional(),
  timeout: text.optional(),
  unhealthyAfter: text.optional(),
  restartAfter: text.optional(),
});

const CRON = z.strictObject({
  name: text,
  schedule: text,
  command: z.array(text),
  timezone: text.optional(),
  overlap: z.enum(["skip", "allow", "replace"]).optional(),
  timeout: text.optional(),
  environments: z.array(text).optional(),
});

export const APP_SHAPE = {
  port: count.optional(),
  command: z.array(text).optional(),
  healthCheck: HEALTH_CHECK.optional(),
  startTimeout: text.optional(),
  stopSignal: text.optional(),
  stopTimeout: text.optional(),
  ephemeralStorage: count.optional(),
  regions: z.array(text).optional(),
  init: z.boolean().optional(),
  openapiPath: text.optional(),
  releaseCommand: z.array(text).optional(),
  releaseTimeout: text.optional(),
  scaling: z.strictObject({
    min: count.optional(),
    max: count.optional(),
    cpu: count.optional(),
    concurrency: count.optional(),
    downAfter: text.optional(),
  }).optional(),
  crons: z.array(CRON).optional(),
  sleepAfter: text.optional(),
  memory: count.optional(),
  cpu: z.number().optional(),
  replicas: count.optional(),
};
