/** Types and names of the look for OpenAPI documents, for its callers. */
import { iface } from "@restatedev/restate-sdk/fetch";
import { OPENAPI_SERVICE } from "../../internal/workflows/names.ts";

/** A deployment that has become ready. */
export interface ScrapeRequest {
  readonly deploymentId: string;
}

/** The end of a look. */
export interface ScrapeOutcome {
  readonly status: "stored" | "none" | "gone";
}

/**
 * Reads the OpenAPI document of a deployment from the running app, and keeps it.
 *
 * A service without a key: a look that runs twice stores the same twice. Nothing waits for it: an app without a document is
 * as ready as one with it.
 */
export const OpenApiWorkflow = iface.service(OPENAPI_SERVICE, {
  ScrapeSpec: iface.json<ScrapeRequest, ScrapeOutcome>(),
});
