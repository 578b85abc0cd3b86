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
