import { Buffer } from "node:buffer";
import type { RegistryCredentials } from "../registry/mod.ts";

/** How the engine is told who asks the registry. It insists on the header for a push, also when nobody does. */
export function authHeader(credentials: RegistryCredentials | undefined): Record<string, string> {
  const auth = credentials === undefined
    ? {}
    : { username: credentials.username, password: credentials.password.reveal() };
  return { "x-registry-auth": Buffer.from(JSON.stringify(auth)).toString("base64url") };
}
