/** Heartbeat timeout of agents and edges. A region whose agents all timed out is down. */
export const AGENT_ALIVE_MS = 30_000;
