/**
 * Durable execution behind a narrow port: workflows see `Durable`, and only `restate.ts` knows what runs them.
 *
 * ```ts
 * async function rename(durable: Durable, steps: Steps, id: string): Promise<void> {
 *   const before = await durable.run("load", () => steps.load(id));
 *   await durable.sleep("settle down", 1_000);
 *   await durable.run("rename", () => steps.rename(id, before.name));
 * }
 * ```
 *
 * A step may run twice, so its second run must be harmless. What it returns is kept as JSON; `Journaled` makes a
 * `bigint`, `Date` or `Map` a compile error. Expected outcomes are returned, final failures are faults with a code that
 * is not retryable, everything else is tried again within bounds.
 *
 * @module
 */
export {
  type Address,
  AttemptEnded,
  type Contract,
  type Durable,
  type DurableObject,
  type DurableShared,
  type DurableState,
  type DurableWorkflow,
  type Journaled,
  type Raced,
  type SendOptions,
  type StepAction,
  type StepOptions,
  type Target,
  target,
} from "./durable.ts";
export { Compensations, type Undo } from "./compensations.ts";
export { codeOfStatus, fromTerminal, STATUS_OF, toTerminal } from "./errors.ts";
export { DURABLE_METRICS, DurableMetrics } from "./metrics.ts";
export {
  type RestateDeps,
  runObject,
  runReader,
  runService,
  runShared,
  runWorkflow,
  StepActivity,
} from "./restate.ts";
export { jsonSerde, protoSerde } from "./serde.ts";
