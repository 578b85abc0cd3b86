/** Depot's refusals as faults: the public text has the advice, and Depot's own words stay in the internal one. */
import { Code, ConnectError } from "@connectrpc/connect";
import type { Clock } from "../../clock/mod.ts";
import { Fault, type FaultCode } from "../../fault/mod.ts";
import { retry } from "../../retry/mod.ts";

interface Refusal {
  readonly code: FaultCode;
  readonly why: string;
}

const UNAVAILABLE: Refusal = {
  code: "unavailable",
  why:
    "Depot does not answer, or only with errors. Deploy again in a moment; the worker's log has the details.",
};
const REFUSED: Refusal = {
  code: "failed_precondition",
  why:
    "Depot refuses the request, and another attempt will not change that. The worker's log has its answer.",
};
const FORBIDDEN: Refusal = {
  code: "failed_precondition",
  why:
    "Depot's token does not allow it. Ask the operator for a UNKEY_DEPOT_TOKEN of the whole organization, " +
    "and whether its plan is active, then deploy again.",
};

const REFUSALS: ReadonlyMap<Code, Refusal> = new Map([
  [Code.Unauthenticated, {
    code: "failed_precondition",
    why:
      "Depot refuses the platform's token: it is wrong, expired or revoked. Ask the operator to put a valid " +
      "one into UNKEY_DEPOT_TOKEN and to restart the worker, then deploy again.",
  }],
  [Code.PermissionDenied, FORBIDDEN],
  [Code.NotFound, {
    code: "not_found",
    why:
      "Depot does not know the project or the build: it was deleted there, or belongs to another organization " +
      "than UNKEY_DEPOT_TOKEN. Deploy again; if that does not help, ask the operator to compare them.",
  }],
  [Code.ResourceExhausted, {
    code: "rate_limited",
    why:
      "A limit of the Depot organization is reached. Deploy again later, or ask the operator to raise the limit.",
  }],
  [Code.InvalidArgument, REFUSED],
  [Code.FailedPrecondition, REFUSED],
  [Code.AlreadyExists, REFUSED],
  [Code.OutOfRange, REFUSED],
  [Code.Unimplemented, {
    code: "failed_precondition",
    why: "There is no Depot API at that address. Ask the operator to correct --depot-api-url " +
      "(UNKEY_DEPOT_API_URL), then deploy again.",
  }],
]);

/** Length of Depot's answer that an internal text repeats. */
const DETAIL_LENGTH_MAX = 500;

/** The fault for an error of a call. `failed` begins the texts, e.g. `No build machine`. */
export function depotFault(error: unknown, failed: string): Fault {
  if (error instanceof Fault) return error;
  const { code, rawMessage } = ConnectError.from(error);
  const { code: faultCode, why } = REFUSALS.get(code) ?? UNAVAILABLE;
  const detail = rawMessage.slice(0, DETAIL_LENGTH_MAX);
  return new Fault(faultCode, `${failed}: Depot answers ${Code[code]}: ${detail}`, {
    publicMessage: `${failed}: ${why}`,
    cause: error,
  });
}

/** A fault for an answer without the values that a client needs; `answer` completes "Depot answered …". */
export function unusableAnswer(failed: string, answer: string): Fault {
  return new Fault("unavailable", `${failed}: Depot answered ${answer}`, {
    publicMessage: `${failed}: ${UNAVAILABLE.why}`,
  });
}

const ATTEMPTS_MAX = 3;
const FIRST_MS = 500;
const WAIT_MS_MAX = 5_000;

/** Runs a call up to three times while Depot does not answer. @throws faults, or the signal's reason when it aborts */
export async function callDepot<T>(
  action: () => Promise<T>,
  { failed, clock, signal }: {
    readonly failed: string;
    readonly clock: Clock;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<T> {
  return await retry(
    async () => {
      try {
        return await action();
      } catch (error) {
        signal?.throwIfAborted();
        throw depotFault(error, failed);
      }
    },
    {
      clock,
      ...(signal === undefined ? {} : { signal }),
      attemptsMax: ATTEMPTS_MAX,
      firstMs: FIRST_MS,
      maxMs: WAIT_MS_MAX,
      retryable: (error) => error instanceof Fault && error.code === "unavailable",
    },
  );
}
