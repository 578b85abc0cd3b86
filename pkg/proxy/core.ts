import type { Http2Pool } from "./http2_pool.ts";
import type { Pool } from "./pool.ts";
import type { Shares } from "./shares.ts";
import type { Answer, Failure, FailureReport, ProxyOptions, ProxyRequest } from "./types.ts";
import { FAILURE_STATUS } from "./types.ts";

/** Shared by all connections of one proxy. */
export interface Core {
  readonly options: ProxyOptions;
  readonly pool: Pool;
  readonly http2Pool: Http2Pool;
  readonly shares: Shares;
  /** True if the proxy stops: responses then end their connections. */
  stopping: boolean;
}

export interface FailureContext {
  readonly id: string;
  readonly request?: ProxyRequest;
  /** The host that an unread request seems to be for. */
  readonly host?: string | undefined;
  readonly upstream?: string | undefined;
  readonly cut?: boolean;
  readonly cause?: string | undefined;
}

/** Reports a failure once, and returns the response that explains it. */
export function reportFailure(core: Core, failure: Failure, context: FailureContext): Answer {
  const { request } = context;
  const report: FailureReport = {
    ...failure,
    id: context.id,
    status: FAILURE_STATUS[failure.kind],
    method: request?.method,
    host: request?.host ?? context.host,
    accept: request?.headers.find((each) => each.lower === "accept")?.value,
    upstream: context.upstream,
    cut: context.cut === true,
    cause: context.cause,
  };
  core.options.onFailure(report);
  return core.options.explain(report);
}
