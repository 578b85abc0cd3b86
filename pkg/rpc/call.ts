import type { DescMethod } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextKey,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import type { Clock } from "../clock/mod.ts";
import { describeError, Fault } from "../fault/mod.ts";
import type { LogFields, Logger } from "../logger/mod.ts";
import { newId } from "../uid/mod.ts";
import { Deadlines } from "./deadlines.ts";
import { REQUEST_ID_HEADER, shownError, toConnectError } from "./faults.ts";
import type { CallMetrics } from "./metrics.ts";
import { ObservedStream } from "./observed_stream.ts";

/** A call while it runs. */
export interface Call {
  readonly requestId: string;
  readonly startedAtMs: number;
  /** Fields for the call's log line, e.g. who is calling. Never a body or a credential. */
  readonly fields: Record<string, unknown>;
}

const CALL = createContextKey<Call | undefined>(undefined, { description: "call" });

/** Runs before a call's body is read. Throws a fault to refuse the call. */
export type Admission = (context: HandlerContext) => void | Promise<void>;

export interface CallOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** The longest that a unary call may take, in milliseconds. */
  readonly unaryMsMax: number;
  /** The same for those that may take longer, or less. */
  readonly unaryMsMaxOf: ReadonlyMap<DescMethod, number>;
  readonly metrics: CallMetrics;
}

/** The request id of the call that `values` belong to. */
export function requestIdOf(values: ContextValues): string {
  return values.get(CALL)?.requestId ?? "";
}

/** Adds fields to the call's log line. */
export function addCallFields(values: ContextValues, fields: LogFields): void {
  Object.assign(values.get(CALL)?.fields ?? {}, fields);
}

/**
 * Numbers the call and lets `admit` refuse it. Refused calls are not logged: a client without credentials must not be able
 * to fill the log. An admission that fails for another reason is.
 */
export function admitCall(
  admit: Admission | undefined,
  { clock, log, metrics }: Pick<CallOptions, "clock" | "log" | "metrics">,
): Admission {
  return async (context) => {
    const call: Call = {
      requestId: newId("request", clock.now()),
      startedAtMs: clock.now(),
      fields: {},
    };
    context.values.set(CALL, call);
    context.responseHeader.set(REQUEST_ID_HEADER, call.requestId);
    try {
      await admit?.(context);
    } catch (error) {
      if (error instanceof ConnectError) {
        metrics.refused(nameOf(error.code));
        throw error;
      }
      const code = error instanceof Fault ? error.code : "internal";
      metrics.refused(code);
      if (code === "internal" || code === "unavailable") {
        log.error("admission failed", { request_id: call.requestId, error: describeError(error) });
      }
      throw toConnectError(error, code);
    }
  };
}

/** The outermost interceptor: faults become Connect errors, unary calls get a deadline, and the call gets one log line. */
export function callInterceptor(options: CallOptions): Interceptor {
  const deadlines = new Deadlines();
  const late = (): ConnectError => toConnectError(undefined, "deadline_exceeded");
  return (next) => async (request) => {
    const call = request.contextValues.get(CALL) ?? newCall(options.clock);
    let detail: string | undefined;
    const procedure = `${request.service.typeName}/${request.method.name}`;
    const finish = (error: ConnectError | undefined): void => {
      const durationMs = options.clock.now() - call.startedAtMs;
      const code = error === undefined ? "ok" : nameOf(error.code);
      if (request.stream) options.metrics.streamEnded(procedure, code);
      else options.metrics.unaryEnded(procedure, code, durationMs);
      const fields = {
        procedure,
        request_id: call.requestId,
        ...call.fields,
        code: error === undefined ? "ok" : Code[error.code],
        duration_ms: durationMs,
        ...(detail === undefined ? {} : { error: detail }),
      };
      options.log[levelOf(error, request.stream)]("rpc", fields);
    };
    /** Logs the call's error, and returns the error for the caller. */
    const failed = (error: unknown): ConnectError => {
      const shown = shownError(error, (each) => detail = each);
      finish(shown);
      return shown;
    };
    const ended = (error: unknown): unknown => error === undefined ? finish(undefined) : failed(error);
    if (request.stream) options.metrics.streamBegan(procedure);
    try {
      const limitMs = options.unaryMsMaxOf.get(request.method) ?? options.unaryMsMax;
      const response = request.stream
        ? await next(request)
        : await deadlines.within(limitMs, () => next(request), late);
      if (response.stream) return { ...response, message: new ObservedStream(response.message, ended) };
      finish(undefined);
      return response;
    } catch (error) {
      throw failed(error);
    }
  };
}

function newCall(clock: Clock): Call {
  return { requestId: newId("request", clock.now()), startedAtMs: clock.now(), fields: {} };
}

/** Successful unary calls are many and say little; what failed on our side is what an operator looks for. */
function levelOf(error: ConnectError | undefined, stream: boolean): "debug" | "info" | "warn" | "error" {
  if (error === undefined) return stream ? "info" : "debug";
  if (error.code === Code.Internal || error.code === Code.Unknown) return "error";
  return error.code === Code.Unavailable || error.code === Code.DeadlineExceeded ? "warn" : "info";
}

/** As faults have it, where there is one. */
function nameOf(code: Code): string {
  return Code[code].replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
