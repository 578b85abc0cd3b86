/**
 * The rule for addresses that agents report, and the heartbeats of agents and edges, with their progress, written in batches.
 *
 * ```ts
 * const heartbeats = new AgentHeartbeats({ db, clock, log });
 * await heartbeats.record({ agentId, region, progress: { appliedVersion: 7, observedVersion: 9 } });
 * await heartbeats.close();
 * ```
 *
 * A new agent, another version and a NACK are written at once, and `record` resolves when they are. Repeated heartbeats
 * wait a little and share one statement, so that the database's work does not grow with the number of agents.
 *
 * @module
 */
export { addressProblem, networksOf } from "./addresses.ts";
export {
  AGENT_HEARTBEAT_TIMEOUT_MS,
  type AgentHeartbeat,
  AgentHeartbeats,
  type AgentHeartbeatsOptions,
  type TrackedStream,
} from "./heartbeats.ts";
