/** A gradual switch, as its callers see it. */
import { iface } from "@restatedev/restate-sdk/fetch";
import type { GradualAct, GradualOrder } from "../../internal/workflows/messages.ts";
import { GRADUAL_SERVICE } from "../../internal/workflows/names.ts";

/** One of a chain of looks; each makes the next one. */
export interface LookRequest {
  /** Names the chain: only the newest one goes on. */
  readonly chainId: string;
}

/**
 * One object for each gradual switch, known by an id that its caller makes. Looks at its evidence are a chain of short calls, so
 * that no journal grows with its length; a step or an end that a person orders takes its turn between two of them.
 */
export const GradualSwitchService = iface.object(GRADUAL_SERVICE, {
  begin: iface.json<GradualOrder, void>(),
  look: iface.json<LookRequest, void>(),
  advance: iface.json<GradualAct, void>(),
  abort: iface.json<GradualAct, void>(),
  /** Begins a new chain of looks, in the place of one that may have been lost. */
  watch: iface.json<void, void>(),
});

export function gradualKey(id: string): string {
  return id;
}
