/** An agent or edge that was not heard for so long counts as dead, and a region without another agent as silent. */
export const AGENT_ALIVE_MS = 30_000;
