import type { Schema } from "./mod.ts";

/** One row of the table of protections. */
export const PROTECTION_ROWS: Pick<Schema, "protections"> = {
  protections: {
    workspace_id: "w",
    project_id: "p",
    environment_id: "e",
    mode: "password",
    password_hash: "scrypt$14$8$5$salt$hash",
    sealed_key: "sealed",
    created_at: 1,
    updated_at: 2,
  },
};
