/** A custom domain in the JSON of commands. */
import { z } from "zod";
import type { DomainJson } from "../cmd/domains/view.ts";
import { count, flag, of, text, time } from "./schema_words.ts";

const record = z.strictObject({ type: text, name: text, value: text, purpose: text, required: flag });

/** The keys of a domain. */
export const DOMAIN = of<DomainJson>()(z.strictObject({
  id: text,
  domain: text,
  environment: text,
  status: text,
  proof: text.optional(),
  reaches: flag,
  redirectTo: text.optional(),
  issues: z.array(z.strictObject({ code: text, message: text, fix: text })).readonly(),
  records: z.array(record).readonly(),
  certificate: z.strictObject({
    notAfter: time.optional(),
    problem: text.optional(),
    nextAttemptAt: count.optional(),
  }).optional(),
  createdAt: time,
  verifiedAt: time.optional(),
  checkedAt: time.optional(),
  nextCheckAt: time.optional(),
  verifySince: time,
  lostAt: time.optional(),
})).shape;
