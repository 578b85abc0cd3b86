/** A custom domain as people and programs read it. */
import { type CustomDomain, CustomDomainStatus } from "../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { age, oneLine, table } from "../shared/output.ts";

/** A record to set at the DNS provider. */
export interface RecordJson {
  readonly type: string;
  readonly name: string;
  readonly value: string;
  readonly purpose: string;
  readonly required: boolean;
}

/** A domain in the JSON of commands. Times are milliseconds since the epoch. */
export interface DomainJson {
  readonly id: string;
  readonly domain: string;
  readonly environment: string;
  readonly status: string;
  /** The record that proves it. */
  readonly proof?: string;
  /** Requests to the name come here. */
  readonly reaches: boolean;
  readonly redirectTo?: string;
  readonly issues: readonly { readonly code: string; readonly message: string; readonly fix: string }[];
  readonly records: readonly RecordJson[];
  readonly certificate?: {
    /** Absent: there is none yet. */
    readonly notAfter?: number;
    readonly problem?: string;
    readonly nextAttemptAt?: number;
  };
  readonly createdAt: number;
  readonly verifiedAt?: number;
  readonly checkedAt?: number;
  readonly nextCheckAt?: number;
  readonly verifySince: number;
  readonly lostAt?: number;
}

const STATUS: Readonly<Record<CustomDomainStatus, string>> = {
  [CustomDomainStatus.UNSPECIFIED]: "unknown",
  [CustomDomainStatus.PENDING]: "pending",
  [CustomDomainStatus.VERIFYING]: "verifying",
  [CustomDomainStatus.VERIFIED]: "verified",
  [CustomDomainStatus.FAILED]: "failed",
};

export function domainJson(domain: CustomDomain): DomainJson {
  const { certificate } = domain;
  return {
    id: domain.id,
    domain: domain.domain,
    environment: domain.environmentSlug,
    status: STATUS[domain.status] ?? "unknown",
    ...(domain.proof === "" ? {} : { proof: domain.proof }),
    reaches: domain.reaches,
    ...(domain.redirectTo === "" ? {} : { redirectTo: domain.redirectTo }),
    issues: domain.issues.map(({ code, message, fix }) => ({ code, message, fix })),
    records: domain.records.map(({ type, name, value, purpose, required }) => (
      { type, name, value, purpose, required }
    )),
    ...(certificate === undefined ? {} : {
      certificate: {
        ...(certificate.notAfter === 0n ? {} : { notAfter: Number(certificate.notAfter) }),
        ...(certificate.problem === "" ? {} : { problem: certificate.problem }),
        ...(certificate.nextAttemptAt === 0n ? {} : { nextAttemptAt: Number(certificate.nextAttemptAt) }),
      },
    }),
    createdAt: Number(domain.createdAt),
    ...(domain.verifiedAt === 0n ? {} : { verifiedAt: Number(domain.verifiedAt) }),
    ...(domain.checkedAt === 0n ? {} : { checkedAt: Number(domain.checkedAt) }),
    ...(domain.nextCheckAt === 0n ? {} : { nextCheckAt: Number(domain.nextCheckAt) }),
    verifySince: Number(domain.verifySince),
    ...(domain.lostAt === 0n ? {} : { lostAt: Number(domain.lostAt) }),
  };
}

/** True when visitors get to it as they should: over HTTPS, or as far as a platform without an authority goes. */
export function isServed({ status, reaches, certificate }: DomainJson): boolean {
  return status === "verified" && reaches &&
    (certificate === undefined || certificate.notAfter !== undefined);
}

/** One word or two for a list. */
export function stateText(domain: DomainJson, nowMs: number): string {
  const { status, reaches, certificate, lostAt } = domain;
  if (lostAt !== undefined) return `verified, but its record has been gone for ${age(lostAt, nowMs)}`;
  if (status !== "verified") return status;
  if (!reaches) return "verified, leads elsewhere";
  if (certificate === undefined) return "verified";
  if (certificate.notAfter === undefined) return "verified, no certificate yet";
  return certificate.notAfter <= nowMs ? "certificate has ended" : "serving https";
}

/** The records that are to be set, in a table, and what is wrong; empty when nothing is. */
export function adviceText({ records, issues, certificate, status }: DomainJson): string {
  const wrong = issues.some(({ code }) => code !== "caa_forbids" && code !== "allowance");
  const shown = records.filter(({ required }) => required);
  const setting = wrong || status !== "verified"
    ? `\nRecords to set at your DNS provider:\n\n${
      table(["TYPE", "NAME", "VALUE"], shown.map(({ type, name, value }) => [type, name, value]))
    }`
    : "";
  const texts = issues.map(({ message, fix }) => `\n${oneLine(message)}\n${oneLine(fix)}\n`);
  const problem = certificate?.problem;
  const ordered = problem === undefined ? "" : `\nIts certificate is not there yet: ${oneLine(problem)}\n`;
  return `${setting}${texts.join("")}${ordered}`;
}
