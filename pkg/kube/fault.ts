import { z } from "zod";
import { Fault, type FaultCode } from "../fault/mod.ts";

/** An error answer of the API. */
export class ApiFault extends Fault {
  readonly status: number;
  /** Kubernetes' word, e.g. `NotFound` or `Expired`. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string, publicMessage: string) {
    super(codeOf(status, reason), message, { publicMessage });
    this.status = status;
    this.reason = reason;
  }
}

/** True if a watch cannot go on from where it was: list again. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiFault && (error.status === 410 || error.reason === "Expired");
}

const Status = z.object({ message: z.string().default(""), reason: z.string().default("") });
const CODES: Readonly<Record<number, FaultCode>> = {
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  409: "already_exists",
  410: "failed_precondition",
  413: "too_large",
  429: "rate_limited",
};

/** The fault for an error answer or an ERROR event. */
export function apiFault(label: string, status: number, body: string): ApiFault {
  const parsed = Status.safeParse(safeJson(body));
  const said = parsed.success && parsed.data.message !== "" ? parsed.data.message : body.slice(0, 500);
  const reason = parsed.success ? parsed.data.reason : "";
  return new ApiFault(
    status,
    reason,
    `Kubernetes answered ${label} with ${status} ${reason}: ${said}`,
    `Kubernetes: ${said}`,
  );
}

function codeOf(status: number, reason: string): FaultCode {
  // Another client changed it at the same time: the same call may succeed now.
  if (reason === "Conflict") return "unavailable";
  return CODES[status] ?? (status >= 500 ? "unavailable" : "invalid_argument");
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
