/**
 * Depot: hosted machines with BuildKit, and one project of its own there for each project here.
 *
 * ```ts
 * const depot = openDepot({ token, clock, log });
 * const machine = await depot.acquire({ projectId, platform: "amd64", signal });
 * try {
 *   await buildOn(machine, AbortSignal.any([signal, machine.cancelled]));
 *   await machine.release({ kind: "success" });
 * } catch (error) {
 *   await machine.release({ kind: "failed", message: "the build failed" });
 *   throw error;
 * }
 * ```
 *
 * Only Depot's own API is spoken here; what comes back is the address and the certificates of a BuildKit daemon. Import it
 * lazily: installations without Depot need none of it.
 *
 * @module
 */
export { type Depot, type DepotOptions, openDepot } from "./depot.ts";
export type { AcquireRequest, DepotMachine, DepotPlatform } from "./machine.ts";
export type { DepotOutcome } from "./build.ts";
export type { DepotProject, NewDepotProject } from "./projects.ts";
