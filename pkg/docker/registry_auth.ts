import { Buffer } from "node:buffer";
import type { RegistryCredentials } from "../registry/mod.ts";

/** The header with the registry's credentials. The engine insists on it for a push, also without credentials. */
export function authHeader(credentials: RegistryCredentials | undefined): Record<string, string> {
  const auth = credentials === undefined
    ? {}
    : { username: credentials.username, password: credentials.password.reveal() };
  return { "x-registry-auth": Buffer.from(JSON.stringify(auth)).toString("base64url") };
}
