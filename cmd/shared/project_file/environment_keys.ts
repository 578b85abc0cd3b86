/** The keys of `unkey.json` that only `unkey plan` and `unkey apply` read: what an environment has beside its deployments. */
import { z } from "zod";
import { variableNameProblem } from "../../../pkg/variables/mod.ts";
import { IDLE_END_SCHEMA } from "../idle_end.ts";

const VALUE_RULE = 'must be text, {"env": "VARIABLE"}, {"file": "path"} or {"required": true}';
const DOMAIN_RULE = 'must be a host name, or {"name": "www.example.com", "redirectTo": "example.com"}';
const IDLE_RULE = "must be a time such as 7d, 12h or 30m, or never";
const DOMAINS_MAX = 50;
const PRODUCTION = "production";

const name = z.string().superRefine((text, context) => {
  const problem = variableNameProblem(text);
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
});
const filled = z.string({ error: VALUE_RULE }).min(1, VALUE_RULE);

/** Where the value of a variable comes from. */
const VARIABLE = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.strictObject({ env: filled }),
  z.strictObject({ file: filled }),
  z.strictObject({ required: z.literal(true) }),
], { error: VALUE_RULE });

const host = z.string({ error: DOMAIN_RULE }).min(1, DOMAIN_RULE);
const DOMAIN = z.union([
  host,
  z.strictObject({ name: host, redirectTo: host.optional(), environment: host.optional() }),
], { error: DOMAIN_RULE });

export type VariableSource = z.infer<typeof VARIABLE>;

export const ENVIRONMENT_KEYS = {
  variables: z.record(name, VARIABLE, {
    error: ({ code }) => code === "invalid_key" ? "must be the name of a variable" : "must be a JSON object",
  }).describe(
    'Environment variables, which "unkey apply" sets: a text, or where the value is read: {"env": "NAME"} of the ' +
      'command, {"file": "path"}. {"required": true} has a value already. Others stay, without --prune.',
  ),
  domains: z.array(DOMAIN, { error: "must be a list of domains" }).max(
    DOMAINS_MAX,
    `must be at most ${DOMAINS_MAX}`,
  ).describe(
    'Domains, which "unkey apply" adds, with redirectTo another one that gets their requests. Those of another ' +
      "environment than production name it. Others stay.",
  ),
  idleEnd: z.string({ error: IDLE_RULE }).refine(
    (text) => text !== "default" && IDLE_END_SCHEMA.safeParse(text).success,
    IDLE_RULE,
  ).describe(
    'Time without a request after which deployments of environments other than production end, e.g. 7d, or never. "unkey apply" sets it.',
  ),
};

const SCHEMA = z.strictObject(ENVIRONMENT_KEYS).partial();

export type EnvironmentSettings = z.infer<typeof SCHEMA>;

/** The domains of one environment, in the order of the file. */
export function domainsOf(
  { domains = [] }: EnvironmentSettings,
  environment: string,
): readonly { readonly domain: string; readonly redirectTo: string }[] {
  return domains.map((each) => typeof each === "string" ? { name: each } : each)
    .filter(({ environment: owner = PRODUCTION }) => owner === environment)
    .map(({ name: domain, redirectTo = "" }) => ({ domain, redirectTo }));
}

/** `undefined` where it is not set, and for production, whose deployments never end for want of requests. */
export function idleEndOf({ idleEnd }: EnvironmentSettings, environment: string): number | undefined {
  if (idleEnd === undefined || environment === PRODUCTION) return undefined;
  const parsed = IDLE_END_SCHEMA.parse(idleEnd);
  return parsed?.kind === "seconds" ? parsed.seconds : undefined;
}
