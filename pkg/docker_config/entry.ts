import { Secret } from "../config/mod.ts";
import { canonicalRegistryHost, DOCKER_HUB, type RegistryCredentials } from "../registry/mod.ts";
import type { ConfigEntry } from "./config_file.ts";

/** Docker Hub's key in the file, and what helpers are asked for. */
const DOCKER_HUB_SERVER = "https://index.docker.io/v1/";
/** The user name that says that the password is an identity token (a refresh token of OAuth). */
const TOKEN_USERNAME = "<token>";

/** A registry, as builds name it and as Docker does. */
export interface Server {
  readonly host: string;
  /** Its key in the file, and the line that helpers read. */
  readonly key: string;
}

/** The registry that a build means by `host`. */
export function serverOf(host: string): Server {
  const canonical = canonicalRegistryHost(host);
  return { host: canonical, key: canonical === DOCKER_HUB ? DOCKER_HUB_SERVER : canonical };
}

/** The value for a registry: of its own key, else of the first key that is a URL or an alias of it. */
export function valueFor<T>(
  values: Readonly<Record<string, T>> | null | undefined,
  { host, key }: Server,
): T | undefined {
  const entries = Object.entries(values ?? {});
  const exact = entries.find(([name]) => name === key);
  return (exact ?? entries.find(([name]) => hostOf(name) === host))?.[1];
}

function hostOf(key: string): string {
  return canonicalRegistryHost(key.replace(/^https?:\/\//i, "").split("/", 1)[0] ?? "");
}

/** The meaning of an entry. Docker writes empty ones for registries whose credentials a helper has. */
export type DecodedEntry =
  | { readonly kind: "credentials"; readonly credentials: RegistryCredentials }
  | { readonly kind: "none" }
  | { readonly kind: "broken" };

/** Decodes the credentials in the file itself. */
export function decodeEntry({ auth, identitytoken, username, password }: ConfigEntry): DecodedEntry {
  if (identitytoken) return found(TOKEN_USERNAME, identitytoken);
  if (!auth) return username && password ? found(username, password) : { kind: "none" };
  const text = decodeBase64(auth);
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 1) return { kind: "broken" };
  // Old versions of Docker padded the password.
  return found(text.slice(0, colon), text.slice(colon + 1).replace(/(?<!\0)\0+$/, ""));
}

/** Credentials, unless a part is empty, which is how some helpers say that they have none. */
export function found(username: string, password: string): DecodedEntry {
  if (username === "" || password === "") return { kind: "none" };
  return { kind: "credentials", credentials: { username, password: new Secret(password) } };
}

function decodeBase64(text: string): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.fromBase64(text));
  } catch {
    return undefined; // not base64, or not text
  }
}
