import { z } from "zod";
import type { Engine } from "./engine.ts";
import { jsonLines } from "./json_stream.ts";

/** Something that happened to a container. */
export interface ContainerEvent {
  readonly containerId: string;
  /** The engine's word: `create`, `start`, `die`, `oom`, `kill`, `stop`, `destroy`, ... */
  readonly action: string;
  /** Labels of the container, `name`, `image`, and for `die` the `exitCode`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly timeNs: bigint;
}

const Event = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).nullish() }),
  time: z.number().default(0),
});

/**
 * Streams the events of containers that carry all of `labels`, until the signal or the engine ends it.
 * The caller connects again, with `sinceSeconds` of the last event it received, and looks at everything again.
 */
export async function* containerEvents(
  engine: Engine,
  options: {
    readonly labels: readonly string[];
    readonly sinceSeconds?: number;
    /** Called once the engine listens: what happens from here on is not missed. */
    readonly onOpen?: () => void;
  },
  signal: AbortSignal,
): AsyncGenerator<ContainerEvent> {
  const response = await engine.call({
    method: "GET",
    path: "/events",
    query: {
      filters: JSON.stringify({ type: ["container"], label: options.labels }),
      since: options.sinceSeconds === undefined ? undefined : String(options.sinceSeconds),
    },
    signal,
  });
  options.onOpen?.();
  for await (const value of jsonLines(engine, response, signal)) {
    const parsed = Event.safeParse(value);
    if (!parsed.success) continue;
    const { Action, Actor, time } = parsed.data;
    yield {
      containerId: Actor.ID,
      action: Action,
      attributes: Actor.Attributes ?? {},
      timeNs: BigInt(time) * 1_000_000_000n,
    };
  }
}
