/** The keys of `unkey.json` that say how the app is run. */
import { z } from "zod";
import { CRONS } from "./cron_keys.ts";
import { HEALTH_CHECK_TYPES } from "../health_check_fields.ts";
import { parseMemory } from "../size_fields.ts";
import { joinWords, splitWords } from "../words.ts";

const PORT_RULE = "must be a whole number between 1 and 65535";
const TIMEOUT_RULE = 'must be a duration like "90s" or "5m"';
const PATH_RULE = 'must be a path that begins with "/"';
const COMMAND_RULE = 'must be a list of words such as ["node", "server.js"], or a command line';
const RELEASE_RULE = 'must be a command line for sh, or a list of words such as ["npm", "run", "migrate"]';
const HEADERS_RULE = "must be a JSON object of header names and texts";
const REGIONS_RULE = "must be a list of names of regions";

const path = z.string({ error: PATH_RULE }).regex(/^\/[\x21-\x7e]*$/, PATH_RULE);

/** Every key of `healthCheck`. */
export const HEALTH_CHECK_KEYS = {
  type: z.enum(HEALTH_CHECK_TYPES, { error: `must be one of ${HEALTH_CHECK_TYPES.join(", ")}` }),
  path,
  method: z.enum(["GET", "HEAD"], { error: "must be GET or HEAD" }),
  host: z.string({ error: "must be a host name" }).min(1, "must be a host name"),
  headers: z.record(z.string(), z.string({ error: HEADERS_RULE }), { error: HEADERS_RULE }),
  expect: z.union([z.int(), z.string()], { error: 'must be status codes such as "200-399" or "200,401"' }),
  interval: duration(),
  timeout: duration(),
  unhealthyAfter: duration(),
  restartAfter: duration(),
};

const SLEEP_RULE = 'must be a duration like "10m", or "never"';
const SCALE_RULE = "must be a whole number from 1 on";
const PERCENT_RULE = "must be percent, from 1 to 100";

/** Every key of `scaling`. */
export const SCALING_KEYS = {
  min: z.int({ error: SCALE_RULE }).min(1, SCALE_RULE),
  max: z.int({ error: SCALE_RULE }).min(1, SCALE_RULE),
  cpu: z.int({ error: PERCENT_RULE }).min(1, PERCENT_RULE).max(100, PERCENT_RULE)
    .describe("Percent of an instance's CPU."),
  concurrency: z.int({ error: SCALE_RULE }).min(1, SCALE_RULE).describe("Requests at a time of an instance."),
  downAfter: duration(),
};

export const APP_KEYS = {
  port: z.int({ error: PORT_RULE }).min(1, PORT_RULE).max(65_535, PORT_RULE),
  command: z.union([
    z.array(z.string()).min(1),
    z.string().refine((text) => splitWords(text) !== undefined),
  ], { error: COMMAND_RULE }),
  /** The short form of `healthCheck.path`. */
  healthCheckPath: path.describe("Short for healthCheck.path."),
  healthCheck: z.strictObject(HEALTH_CHECK_KEYS, { error: "must be a JSON object" }).partial(),
  startTimeout: duration(),
  stopSignal: z.string({ error: "must be the name of a signal" }),
  stopTimeout: duration(),
  ephemeralStorage: z.union([z.int().min(1), z.string().refine((text) => parseMemory(text) !== undefined)], {
    error: 'must be MiB such as 512, or a size such as "2GiB"',
  }),
  regions: z.array(z.string({ error: REGIONS_RULE }), { error: REGIONS_RULE }).min(1, REGIONS_RULE),
  init: z.boolean({ error: "must be true or false" }),
  openapiPath: path,
  releaseCommand: z.union([z.array(z.string()).min(1), z.string().min(1)], { error: RELEASE_RULE })
    .describe("Runs once for each deployment before its instances start; a text is run by sh -c."),
  releaseTimeout: duration(),
  scaling: z.strictObject(SCALING_KEYS, { error: "must be a JSON object" }).partial(),
  crons: CRONS,
  sleepAfter: z.string({ error: SLEEP_RULE }).regex(/^(?:(?:\d+h)?(?:\d+m)?(?:\d+s)?|never)$/, SLEEP_RULE)
    .describe("The time without a request after which it sleeps, until the next one. Not in production."),
};

const SCHEMA = z.strictObject(APP_KEYS).partial();

/** The values by their keys, as the flags take them. */
export function* appValues(
  { command, healthCheck, healthCheckPath, regions, releaseCommand, scaling, crons, ...others }: z.infer<
    typeof SCHEMA
  >,
): Generator<[key: string, value: string | readonly string[]]> {
  if (command !== undefined) yield ["command", typeof command === "string" ? command : joinWords(command)];
  if (releaseCommand !== undefined) {
    yield [
      "releaseCommand",
      typeof releaseCommand === "string" ? releaseCommand : JSON.stringify(releaseCommand),
    ];
  }
  if (crons !== undefined) yield ["crons", crons.map((cron) => JSON.stringify(cron))];
  if (regions !== undefined) yield ["regions", regions];
  if (healthCheckPath !== undefined) yield ["healthCheck.path", healthCheckPath];
  const { headers = {}, ...check } = healthCheck ?? {};
  yield ["healthCheck.headers", Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  for (const [key, value] of Object.entries(check)) yield [`healthCheck.${key}`, String(value)];
  for (const [key, value] of Object.entries(scaling ?? {})) yield [`scaling.${key}`, String(value)];
  for (const [key, value] of Object.entries(others)) yield [key, String(value)];
}

function duration(): z.ZodString {
  return z.string({ error: TIMEOUT_RULE }).regex(/^(?:\d+h)?(?:\d+m)?(?:\d+s)?$/, TIMEOUT_RULE);
}
