/** Plain HTTP beside the RPCs: probes, and the routes of the service. */
import { describeError } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { pathOf } from "./context.ts";
import type { Bodies } from "./bodies.ts";
import type { CallMetrics } from "./metrics.ts";
import type { NodeRequest, Outgoing } from "./node_http.ts";
import { sendResponse, webProblem, webRequest } from "./web.ts";

/** Answers a request, or `undefined` when it is not meant for this route. */
export type HttpRoute = (request: Request) => Promise<Response | undefined>;

export interface PlainOptions {
  readonly routes: readonly HttpRoute[];
  readonly ready: () => Promise<boolean>;
  readonly log: Logger;
  readonly bodies: Bodies;
  readonly metrics: CallMetrics;
}

/** Answers every request that is no RPC. */
export async function answerPlain(
  request: NodeRequest,
  response: Outgoing,
  options: PlainOptions,
): Promise<void> {
  const answer = await answerTo(request, response, options);
  options.metrics.answered(answer.status);
  await sendResponse(request, response, answer);
}

/** The methods of all routes together; each refuses those that are not its own. */
const METHODS = "GET, HEAD, POST, PUT";

async function answerTo(
  request: NodeRequest,
  response: Outgoing,
  { routes, ready, log, bodies }: PlainOptions,
): Promise<Response> {
  const path = pathOf(request);
  if (path === "/v1/liveness") return new Response(null);
  if (path === "/health/live") return Response.json({ status: "alive" });
  if (path === "/health/ready") {
    const isReady = await ready();
    return Response.json({ status: isReady ? "ready" : "not_ready" }, { status: isReady ? 200 : 503 });
  }
  const problem = webProblem(request);
  if (problem === 405) return new Response(null, { status: problem, headers: { allow: METHODS } });
  if (problem !== undefined) return new Response(null, { status: problem });
  const asked = webRequest(request, response, bodies);
  try {
    for (const route of routes) {
      const answer = await route(asked);
      if (answer !== undefined) return answer;
    }
  } catch (error) {
    log.error("request failed", { error: describeError(error) });
    return new Response(null, { status: 500 });
  }
  return Response.json({ error: { status: 404, title: "Not Found" } }, { status: 404 });
}
