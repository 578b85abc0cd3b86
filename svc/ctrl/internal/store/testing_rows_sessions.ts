import type { Schema } from "./mod.ts";

/** One row of each table of logins and tokens. */
export const SESSION_ROWS: Pick<Schema, "login_codes" | "region_tokens" | "sessions"> = {
  login_codes: {
    hash: "h",
    workspace_id: "w",
    permissions: '["*"]',
    expires_at: Number.MAX_SAFE_INTEGER,
    created_at: 1,
    key_id: "k",
  },
  sessions: {
    id: "s",
    hash: "h",
    workspace_id: "w",
    key_id: "k",
    browser: "Firefox on Linux",
    created_at: 1,
    last_seen_at: 2,
    expires_at: Number.MAX_SAFE_INTEGER,
  },
  region_tokens: {
    id: "rt",
    region: "local",
    hash: "h",
    networks: '["10.0.0.0/8"]',
    created_at: 1,
    revoked_at: 5,
  },
};
