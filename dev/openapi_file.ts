/** The text of `docs/openapi.json`: the OpenAPI document of the platform's own REST routes. */
import { openApiDocument } from "../svc/ctrl/api/rest/document.ts";
import { ROUTES } from "../svc/ctrl/api/rest/routes.ts";
import { VERSION } from "../pkg/cli/mod.ts";

export function openApiText(): string {
  return `${JSON.stringify(openApiDocument(ROUTES, VERSION), null, 2)}\n`;
}
