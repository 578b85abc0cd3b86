/** A search in the output of instances, as the address of its page has it. */
import { shellWord } from "../text/format.ts";

export const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
/** Times to look back that the form offers. */
export const RANGES = ["15m", "1h", "6h", "1d", "7d"] as const;

export interface LogQuery {
  /** One deployment; empty: those of the project, or of its environment. */
  readonly deployment: string;
  /** The id; empty: not chosen yet. */
  readonly project: string;
  /** The slug; empty: all. */
  readonly environment: string;
  readonly text: string;
  /** This level or a more severe one; empty: any. */
  readonly level: string;
  readonly region: string;
  /** The begin of its name. */
  readonly instance: string;
  /** `1h`, a time, or empty: all that is kept. */
  readonly since: string;
  /** A time, or empty: up to now. */
  readonly until: string;
  /** The selected line. */
  readonly line: string;
}

/** Each value with its name in the address, its form, and its flag on the command line. */
const FIELDS = {
  deployment: { name: "deployment", form: /^d_[A-Za-z0-9]{1,62}$/, flag: "" },
  project: { name: "project", form: /^proj_[A-Za-z0-9]{1,60}$/, flag: "" },
  environment: { name: "env", form: /^[a-z0-9-]{1,63}$/, flag: "env" },
  text: { name: "search", form: /^.{1,200}$/su, flag: "search" },
  level: { name: "level", form: new RegExp(`^(${LEVELS.join("|")})$`), flag: "level" },
  region: { name: "region", form: /^.{1,64}$/su, flag: "region" },
  instance: { name: "instance", form: /^.{1,255}$/su, flag: "instance" },
  since: { name: "since", form: /^(\d{1,6}[smhd]|\d{4}-\d\d-\d\dT[0-9:.]{5,12}Z)$/, flag: "since" },
  until: { name: "until", form: /^\d{4}-\d\d-\d\dT[0-9:.]{5,12}Z$/, flag: "until" },
  line: { name: "line", form: /^[et][0-9.a-z]{1,30}$/, flag: "" },
} as const satisfies Readonly<Record<keyof LogQuery, { name: string; form: RegExp; flag: string }>>;

const KEYS = Object.keys(FIELDS).filter((key): key is keyof LogQuery => Object.hasOwn(FIELDS, key));

/** The query of an address; values of another form are left out. */
export function queryOf(search: string): LogQuery {
  const given = new URLSearchParams(search);
  const of = (key: keyof LogQuery): string => {
    const { name, form } = FIELDS[key];
    const value = given.get(name) ?? "";
    return form.test(value) ? value : "";
  };
  const deployment = of("deployment");
  return {
    deployment,
    project: deployment === "" ? of("project") : "",
    environment: deployment === "" ? of("environment") : "",
    text: of("text"),
    level: of("level"),
    region: of("region"),
    instance: of("instance"),
    since: of("since"),
    until: of("until"),
    line: of("line"),
  };
}

export const NO_QUERY: LogQuery = queryOf("");

/** The address of a query. */
export function addressOf(query: LogQuery): string {
  const parts = new URLSearchParams();
  for (const key of KEYS) if (query[key] !== "") parts.set(FIELDS[key].name, query[key]);
  const text = parts.toString();
  return text === "" ? "/logs" : `/logs?${text}`;
}

/** Lines behind a linked one that its page shows, too, in milliseconds. */
const BEHIND_MS = 30_000;

/** The address of a query at one of its lines, with the lines around it. */
export function lineAddress(query: LogQuery, link: string, atMs: number): string {
  const until = new Date(atMs + BEHIND_MS).toISOString();
  return addressOf({ ...query, since: "", until, line: link });
}

/** The address of a line among all lines of its deployment. */
export function linkedSearch(deployment: string, link: string, atMs: number): string {
  return lineAddress({ ...NO_QUERY, deployment }, link, atMs);
}

/** The same as a command. @param projectSlug of the project that is searched */
export function commandOf(query: LogQuery, projectSlug: string): string {
  const words = ["unkey", "logs", query.deployment === "" ? projectSlug : query.deployment];
  for (const key of KEYS) {
    const { flag } = FIELDS[key];
    if (flag === "" || query[key] === "") continue;
    words.push(`--${flag}`, query[key]);
  }
  // Without a text or a level, the command shows one deployment.
  if (query.text === "" && query.level === "") words.push("--search", "*");
  return words.map(shellWord).join(" ");
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Bounds in milliseconds since the epoch; 0: none. */
export function rangeOf({ since, until }: LogQuery, nowMs: number): { sinceMs: number; untilMs: number } {
  const ago = /^(\d+)([smhd])$/.exec(since);
  const sinceMs = ago === null
    ? momentOf(since)
    : Math.max(1, nowMs - Number(ago[1]) * (UNITS[ago[2] ?? ""] ?? 0));
  return { sinceMs, untilMs: momentOf(until) };
}

function momentOf(text: string): number {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}
