/** Custom domains that visitors do not get to, or not for long. */
import type { TroubledDomain } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { age, oneLine } from "../shared/output.ts";

/** A domain in the JSON of `status`. Times are milliseconds since the epoch. */
export interface TroubleJson {
  readonly domain: string;
  readonly project: string;
  readonly environment: string;
  readonly status: string;
  /** Since then its record has been gone. */
  readonly lostAt?: number;
  /** The trouble, and the way out. */
  readonly problem?: string;
}

export function troubleJson(domain: TroubledDomain): TroubleJson {
  return {
    domain: domain.domain,
    project: domain.projectSlug,
    environment: domain.environmentSlug,
    status: domain.status,
    ...(domain.lostAt === 0n ? {} : { lostAt: Number(domain.lostAt) }),
    ...(domain.problem === "" ? {} : { problem: domain.problem }),
  };
}

/** A line for each one. */
export function troublesText(domains: readonly TroubleJson[], nowMs: number): string {
  const lines = domains.map(({ domain, project, environment, status, lostAt, problem }) => {
    const state = lostAt !== undefined
      ? `has had no record for ${age(lostAt, nowMs)} and will be given up`
      : status === "verified"
      ? "does not lead here"
      : status === "failed"
      ? "is not looked for any more"
      : "is not verified yet";
    const why = problem === undefined ? "" : `: ${oneLine(problem)}`;
    return `${domain} (${project} ${environment}) ${state}${why}\n`;
  });
  return lines.length === 0 ? "" : `\n${lines.join("")}`;
}
