import type { Schema } from "./mod.ts";

/** One row of the table of OpenAPI documents. */
export const OPENAPI_ROWS: Pick<Schema, "openapi_documents"> = {
  openapi_documents: {
    deployment_id: "d",
    workspace_id: "w",
    path: "/openapi.json",
    body: new Uint8Array([1]),
    problem: "",
    version: "3.1.0",
    operations: 3,
    read_at: 5,
  },
};
