/** Certificates that are not there yet, or are being renewed. */
import type { PendingCertificate } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { age, oneLine } from "../shared/output.ts";

/** A certificate in the JSON of `status`. Times are milliseconds since the epoch. */
export interface CertificateJson {
  readonly hostname: string;
  /** End of the certificate that is used meanwhile; absent when there has been none. */
  readonly notAfter?: number;
  /** Attempts that came to nothing, in a row. */
  readonly failures: number;
  /** Why the last one did. */
  readonly problem?: string;
  readonly nextAttemptAt: number;
  /** It takes longer than it should. */
  readonly late: boolean;
}

export function certificateJson(status: PendingCertificate): CertificateJson {
  return {
    hostname: status.hostname,
    ...(status.notAfter === 0n ? {} : { notAfter: Number(status.notAfter) }),
    failures: status.failures,
    ...(status.problem === "" ? {} : { problem: status.problem }),
    nextAttemptAt: Number(status.nextAttemptAt),
    late: status.late,
  };
}

/** A line for each one that needs a look; one that is ordered for the first time, or renewed in time, needs none. */
export function certificatesText(certificates: readonly CertificateJson[], nowMs: number): string {
  const lines = certificates.filter(({ failures, late, problem }) =>
    failures > 0 || late || problem !== undefined
  )
    .map(({ hostname, notAfter, problem, nextAttemptAt }) => {
      const state = notAfter === undefined
        ? "has no certificate yet"
        : notAfter <= nowMs
        ? `has a certificate that ended ${age(notAfter, nowMs)} ago`
        : `has a certificate that ends in ${age(nowMs, notAfter)} and is not renewed yet`;
      const why = problem === undefined ? "" : `: ${oneLine(problem)}`;
      const next = nextAttemptAt > nowMs ? ` (next attempt in ${age(nowMs, nextAttemptAt)})` : "";
      return `${hostname} ${state}${why}${next}\n`;
    });
  return lines.length === 0 ? "" : `\n${lines.join("")}`;
}
