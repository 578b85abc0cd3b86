/** What the stages of a deploy have in common. */
import type { Ended } from "../rollout/observe.ts";
import type { Ending } from "./steps.ts";

/** A stage either leads on to the next one, or is the end. */
export type Stage = { readonly kind: "on" } | Ended | Ending;
export const ON: Stage = { kind: "on" };
export const CANCELLED: Ending = { kind: "cancelled" };
