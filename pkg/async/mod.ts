/**
 * Coordination of concurrent tasks: a semaphore, a wake-up, several sources as one, an idle timeout for streams, a polling
 * loop, and pauses in long synchronous work.
 *
 * ```ts
 * using _permit = await semaphore.acquire(signal);         // at most N at a time, in order
 * await wake.wait(5_000, signal);                          // until wake.wake(), or five seconds
 * using idle = new IdleAbort({ clock, idleMs, signal });   // idle.signal aborts a stream without messages
 * await poll(sweep, { clock, signal, everyMs, onError });  // again and again, less often while it fails
 * ```
 *
 * @module
 */
export { CooperativeYield } from "./cooperative_yield.ts";
export { IdleAbort, type IdleAbortOptions } from "./idle_abort.ts";
export { merge } from "./merge.ts";
export { poll, type PollOptions } from "./poll.ts";
export { type Permit, Semaphore, type SemaphoreOptions } from "./semaphore.ts";
export { WakeSignal } from "./wake_signal.ts";
