/**
 * Gradual switches: a deployment gets more and more of an environment's requests, as long as it does no worse than the live one.
 *
 * ```ts
 * const reason = gateReason([{ next, live }], look); // "5.1 % of 812 requests failed, …", or undefined
 * ```
 *
 * @module
 */
export { endGradual, endGradualOf, type GradualEnd } from "./end.ts";
export { type Compared, type Evidence, evidenceOf, gateReason, type VersionEvidence } from "./gate.ts";
export { beginnerOf, lastEvidence, orderedSteps, percentOf, splitToken, stepsOf } from "./state.ts";
export { recordShare } from "./share.ts";
export { type GradualStart, startGradual } from "./start.ts";
