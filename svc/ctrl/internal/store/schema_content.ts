/** Tables of build contexts by content. Digests are base64url without padding. */

/** An object that holds chunks. */
export interface PacksTable {
  id: string;
  workspace_id: string;
  project_id: string;
  object_key: string;
  size_bytes: number;
  /** Base64. */
  checksum_sha256: string;
  /** `removing`: its chunks are gone, and its object goes next. */
  state: "offered" | "stored" | "removing";
  created_at: number;
  last_used_at: number;
}

/** A chunk's place. A project's chunks are its own. */
export interface ChunksTable {
  project_id: string;
  digest: string;
  pack_id: string;
  pack_offset: number;
  stored_bytes: number;
  bytes: number;
  /** 1: raw deflate. */
  deflated: number;
}

/** An exact tree whose chunks are all stored. */
export interface ContextsTable {
  id: string;
  workspace_id: string;
  project_id: string;
  /** Digest of the manifest's chunks. */
  root: string;
  content_id: string;
  /** JSON: digest and length of each chunk of the manifest. */
  manifest: string;
  files: number;
  content_bytes: number;
  created_at: number;
  last_used_at: number;
}

/** The packs that a context needs: they stay as long as it does. */
export interface ContextPacksTable {
  context_id: string;
  pack_id: string;
}

/** Build contexts: which project may use which object. */
export interface UploadsTable {
  id: string;
  workspace_id: string;
  project_id: string;
  object_key: string;
  /** 0 when the client did not say. */
  size_bytes: number;
  /** Base64, empty when the client did not say. */
  checksum_sha256: string;
  created_at: number;
  expires_at: number;
}

/** The OpenAPI document of a deployment, or the reason why there is none. */
export interface OpenApiDocumentsTable {
  deployment_id: string;
  workspace_id: string;
  /** Path at which the app was asked for it. */
  path: string;
  /** Compressed with gzip, as it was served; null: there is none. */
  body: Uint8Array | null;
  /** For people; empty with a body. */
  problem: string;
  /** Of OpenAPI; empty without a body. */
  version: string;
  operations: number;
  read_at: number;
}
