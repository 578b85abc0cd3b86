/** An engine for unit tests: it answers what the test says, and remembers what it was asked. */
import type { Engine } from "../../../../../pkg/docker/mod.ts";
import { Fault, type FaultCode } from "../../../../../pkg/fault/mod.ts";

export type EngineRequest = Parameters<Engine["call"]>[0];

/** The answer to a request; `undefined`: an empty one. */
export type Answer = (request: EngineRequest) => unknown;

export class FakeEngine implements Engine {
  readonly host = "test";
  /** Such as `POST /containers/a/start`. */
  readonly asked: string[] = [];
  readonly requests: EngineRequest[] = [];
  readonly #answer: Answer;

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  async call(request: EngineRequest): Promise<Response> {
    this.requests.push(request);
    this.asked.push(`${request.method} ${request.path}`);
    request.signal.throwIfAborted();
    const answer = await this.#answer(request);
    if (answer instanceof Response) return answer;
    return answer === undefined ? new Response() : Response.json(answer);
  }

  close(): void {}
}

/** An error answer, as the client makes it. */
export function engineFault(code: FaultCode, said: string): Fault {
  return new Fault(code, `Docker answered: ${said}`, { publicMessage: `Docker: ${said}` });
}
