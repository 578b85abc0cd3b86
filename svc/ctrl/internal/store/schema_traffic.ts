/** Tables of the live pointer's moves, of starts and requests, and of what views show. */

/** Every move of an environment's live pointer, numbered per environment. */
export interface LiveHistoryTable {
  environment_id: string;
  sequence: number;
  deployment_id: string;
  previous_deployment_id: string | null;
  created_at: number;
}

/** The last request of each deployment that got one, in the database's time. */
export interface DeploymentRequestsTable {
  deployment_id: string;
  last_request_at: number;
}

/** Starts of stopped deployments that are under way. */
export interface DeploymentStartsTable {
  deployment_id: string;
  /** The key of the workflow. */
  start_id: string;
  created_at: number;
  /** The deployment was stopped before. */
  is_cold: 0 | 1;
}

/** Counts changes of a deployment's topology, routes and instances; a deployment without a row counts as 0. */
export interface ShownRevisionsTable {
  deployment_id: string;
  revision: number;
}
