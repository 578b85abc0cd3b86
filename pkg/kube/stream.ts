import * as lines from "../lines/mod.ts";
import { type Cluster, streamFault } from "./cluster.ts";

/** The bytes of an API's answer as they arrive. */
export function chunks(
  cluster: Cluster,
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  return lines.chunks(response, { signal, fault: (error) => streamFault(cluster, signal, error) });
}

/** The JSON values of an API's answer. What is left without a newline was cut off by an end in its middle. */
export function jsonLines(
  cluster: Cluster,
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const fault = (error: unknown): unknown => streamFault(cluster, signal, error);
  return lines.jsonLines(response, { signal, fault, rest: "cut off" });
}
