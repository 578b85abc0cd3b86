import { z } from "zod";
import type { Issue } from "./judge.ts";

const CODES = [
  "dns_unavailable",
  "not_delegated",
  "no_record",
  "points_elsewhere",
  "mixed_addresses",
  "proxied",
  "proof_missing",
  "caa_forbids",
  "moved",
  "allowance",
] as const;

const ISSUES = z.array(z.strictObject({ code: z.enum(CODES), message: z.string(), fix: z.string() }));

/** The issues of the last check as they are stored. */
export function encodeIssues(issues: readonly Issue[]): string {
  return JSON.stringify(issues);
}

/** @throws when the column has something else */
export function decodeIssues(stored: string | null): readonly Issue[] {
  return stored === null ? [] : ISSUES.parse(JSON.parse(stored));
}
