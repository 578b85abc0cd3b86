import { Fault, type FaultCode } from "../../../../pkg/fault/mod.ts";
import { genericMessage } from "../../../../pkg/rpc/mod.ts";
import { z } from "zod";
import { named } from "./named.ts";

/** A failure as REST clients see it. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  /** A URL that names the kind of failure. */
  readonly type: string;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
}

/** A problem with one field of a body. */
export interface FieldError {
  readonly location: string;
  readonly message: string;
}

export const problemShape = named(
  "Problem",
  z.object({
    title: z.string(),
    type: z.url(),
    detail: z.string(),
    status: z.int().min(400).max(599),
    errors: z.array(z.object({ location: z.string(), message: z.string() })).optional(),
  }),
  "A failure. `type` is for programs and stays, `detail` is for people: what happened, why, and what to do. " +
    "`errors` names the fields of a body that break its schema.",
);

const TYPES = "https://unkey.com/docs/errors/unkey/";

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Payload Too Large",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

interface Kind {
  readonly status: number;
  readonly type: string;
}

/** Status and type of each code. `Record` makes a missing code a type error. */
const KINDS: Record<FaultCode, Kind> = {
  invalid_argument: { status: 400, type: "application/invalid_input" },
  unauthenticated: { status: 401, type: "authentication/key_not_found" },
  permission_denied: { status: 403, type: "authorization/insufficient_permissions" },
  // Also for deployments: clients know this type for whatever has none of its own.
  not_found: { status: 404, type: "data/project_not_found" },
  already_exists: { status: 409, type: "data/conflict" },
  failed_precondition: { status: 412, type: "application/precondition_failed" },
  too_large: { status: 413, type: "application/payload_too_large" },
  cancelled: { status: 408, type: "application/request_timeout" },
  rate_limited: { status: 429, type: "application/rate_limited" },
  deadline_exceeded: { status: 503, type: "application/service_unavailable" },
  unavailable: { status: 503, type: "application/service_unavailable" },
  internal: { status: 500, type: "application/unexpected_error" },
};

/** A problem as the document shows it. */
export function problemExample(status: number, type: string, detail: string): Problem {
  return { title: TITLES[status] ?? "Error", type: `${TYPES}${type}`, detail, status };
}

/** A problem with a kind of its own. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;

  constructor(problem: Omit<Problem, "title" | "type"> & { readonly type: string }) {
    super(problem.detail);
    this.problem = { ...problem, title: TITLES[problem.status] ?? "Error", type: `${TYPES}${problem.type}` };
  }
}

/** The only conversion of errors into problems: public texts of faults, and nothing of anything else. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const code = error instanceof Fault ? error.code : "internal";
  const { status, type } = KINDS[code];
  const detail = (error instanceof Fault ? error.publicMessage : undefined) ?? genericMessage(code);
  return { status, title: TITLES[status] ?? "Error", type: `${TYPES}${type}`, detail };
}
