import * as lines from "../lines/mod.ts";
import { type Engine, streamFault } from "./engine.ts";

/** The bytes of an engine's answer as they arrive. */
export function chunks(engine: Engine, response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  return lines.chunks(response, { signal, fault: (error) => streamFault(engine, signal, error) });
}

/** The JSON objects of an engine's answer. An object that is cut short is the end of an engine that went away. */
export function jsonLines(engine: Engine, response: Response, signal: AbortSignal): AsyncGenerator<unknown> {
  const fault = (error: unknown): unknown => streamFault(engine, signal, error);
  return lines.jsonLines(response, { signal, fault, rest: "a value" });
}
