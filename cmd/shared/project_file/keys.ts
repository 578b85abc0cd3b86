import { z } from "zod";
import { parseCpu, parseMemory } from "../size_fields.ts";
import { APP_KEYS } from "./app_keys.ts";
import { BUILD_KEYS } from "./build_keys.ts";
import { ENVIRONMENT_KEYS } from "./environment_keys.ts";

const REPLICAS_RULE = "must be a whole number from 1 on";

/** Every key that the file may have. Flags and variables of the same settings go before it. */
export const KEYS = {
  /** For editors; it changes nothing. */
  $schema: filled("the address of a JSON schema"),
  project: filled("the slug or id of a project"),
  environment: filled("the slug of an environment"),
  context: filled("the path of a folder"),
  dockerfile: filled("the path of a Dockerfile"),
  ...APP_KEYS,
  protocol: z.enum(["http1", "h2c"], { error: 'must be "http1" or "h2c"' }),
  memory: z.union([z.int().min(1), z.string().refine((text) => parseMemory(text) !== undefined)], {
    error: 'must be MiB such as 512, or a size such as "2GiB"',
  }),
  cpu: z.union([z.number().positive(), z.string().refine((text) => parseCpu(text) !== undefined)], {
    error: 'must be cores such as 0.5, or millicores such as "500m"',
  }),
  replicas: z.int({ error: REPLICAS_RULE }).min(1, REPLICAS_RULE),
  ...ENVIRONMENT_KEYS,
  build: z.strictObject(BUILD_KEYS, { error: "must be a JSON object" }).partial(),
};

/** The whole file. */
export const SCHEMA = z.strictObject(KEYS).partial();

/** The settings that the file holds. */
export type ProjectSettings = z.infer<typeof SCHEMA>;

function filled(what: string): z.ZodString {
  return z.string({ error: `must be ${what}` }).min(1, `must be ${what}`);
}
