import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { StepName } from "../deployments/events.ts";
import { stepSpanId } from "../store/mod.ts";
import type { SpanTaker } from "./sink.ts";

/** Does a part of a deploy, and takes its time for the trace. A part that is repeated is several spans. */
export async function timed<T>(
  { clock, spans }: { readonly clock: Clock; readonly spans: SpanTaker },
  { id, name, step }: {
    /** The deployment. */
    readonly id: string;
    readonly name: string;
    /** The step that it is a part of; absent: the deploy itself. */
    readonly step?: StepName;
  },
  work: () => Promise<T>,
): Promise<T> {
  const startedAtMs = clock.now();
  const parent = step === undefined ? {} : { parentId: stepSpanId(id, step) };
  const took = (status: "done" | "failed"): void => {
    const key = `${name} ${startedAtMs}`;
    spans.push(id, [{ source: "worker", key, ...parent, name, status, startedAtMs, endedAtMs: clock.now() }]);
  };
  try {
    const result = await work();
    took("done");
    return result;
  } catch (error) {
    took("failed");
    throw error;
  }
}
