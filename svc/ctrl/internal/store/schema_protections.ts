/** Environments whose visitors have to give a password. */
export interface ProtectionsTable {
  workspace_id: string;
  project_id: string;
  /** Empty: all environments of the project but production that have no row of their own. */
  environment_id: string;
  /** `open`: everybody may see it, whatever the row of all previews says. */
  mode: "password" | "open";
  /** See `hashPassword`; empty in an open one. */
  password_hash: string;
  /** The key of links and cookies, sealed by the vault; empty in an open one. */
  sealed_key: string;
  created_at: number;
  updated_at: number;
}

export interface ProtectionTables {
  protections: ProtectionsTable;
}
