/** Tables of credentials, as TypeScript sees them. Only hashes are stored. */

/** Credentials of agents (region name) and edges (region `*`). */
export interface RegionTokensTable {
  id: string;
  region: string;
  hash: string;
  /** JSON array of networks in CIDR notation; null: none were given. */
  networks: string | null;
  created_at: number;
  revoked_at: number | null;
}

/** A code that can be exchanged for a root key, once. */
export interface LoginCodesTable {
  /** SHA-256, hex. */
  hash: string;
  workspace_id: string;
  /** JSON array of texts. */
  permissions: string;
  expires_at: number;
  created_at: number;
  /** The root key of the session that it starts; null: it is for a root key of its own. */
  key_id: string | null;
}

/** A browser that is logged in to the dashboard. A session that has ended has no row. */
export interface SessionsTable {
  id: string;
  /** SHA-256 of the cookie's value, hex. */
  hash: string;
  workspace_id: string;
  key_id: string;
  browser: string;
  created_at: number;
  /** To within a minute. */
  last_seen_at: number;
  expires_at: number;
}
