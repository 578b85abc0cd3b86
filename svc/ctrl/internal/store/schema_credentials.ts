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
}
