import { describeError } from "../fault/mod.ts";
import { ignore } from "./listener.ts";
import { CONNECTION_LIMITS, type ConnectionLimits, openListener, type PortOptions } from "./open_listener.ts";
import { isGone, writeHead } from "./body.ts";
import { sendResponse, webProblem, webRequest } from "./web.ts";

export interface WebServerOptions extends PortOptions {
  /** Answers a request, whose body may still be coming while the answer leaves. */
  readonly answer: (request: Request) => Promise<Response>;
  readonly limits?: Partial<ConnectionLimits>;
}

/** A server that listens. */
export interface WebServer {
  readonly port: number;
  /** Until `signal` aborts. Rejects when the port accepts nothing any more: the process should end. */
  run(signal: AbortSignal): Promise<void>;
  /** Stops accepting, and cuts the requests that run. */
  cut(): Promise<void>;
}

/**
 * Serves a handler of `Request` and `Response` over HTTP/1.1 and HTTP/2 with prior knowledge on one port.
 *
 * @throws `failed_precondition` when the port is taken or not allowed
 */
export async function serveWeb(options: WebServerOptions): Promise<WebServer> {
  const { answer, log } = options;
  const listener = await openListener(
    options,
    { ...CONNECTION_LIMITS, ...options.limits },
    (request, response) => {
      request.on("error", ignore);
      response.on("error", ignore);
      const problem = webProblem(request);
      if (problem !== undefined) {
        writeHead(response, problem, new Headers());
        return void response.end();
      }
      Promise.resolve(webRequest(request, response)).then(answer).then((each) =>
        sendResponse(request, response, each)
      ).catch((error: unknown) => {
        // A client that goes away is no failure.
        if (!isGone(response)) log.error("request failed", { error: describeError(error) });
        response.destroy();
      });
    },
  );
  return {
    port: listener.port,
    run: (signal) => listener.run(signal),
    async cut() {
      const closed = listener.close();
      listener.cut();
      await closed;
    },
  };
}
