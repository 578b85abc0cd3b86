/** The names and ports at which a platform is served, as its settings have them. */
import { AUTHORITY_DEFAULT } from "./config_server.ts";
import type { UpConfig } from "./config.ts";
import { HOST } from "./ports.ts";

/** Where the platform is to be reached. */
export interface Place {
  /** Names of deployments are below it. */
  readonly domain: string;
  /** The address that the edge listens on. */
  readonly edgeHost: string;
  readonly edgePort: number;
  /** `undefined`: no TLS. */
  readonly edgeHttpsPort: number | undefined;
  /** The port of https:// URLs. */
  readonly publicHttpsPort: number;
  readonly apiPort: number;
  /** The host at which the edge serves the api, too. */
  readonly apiHost: string | undefined;
}

const PORTS = { edge: 7070, localHttps: 7443, http: 80, https: 443 };

/** The place that settings ask for; a port of 0 is still to be chosen. */
export function placeOf(config: UpConfig): Place {
  const { domain, apiPort } = config;
  if (domain === undefined) {
    const edgeHttpsPort = config.https ? config.edgeHttpsPort ?? PORTS.localHttps : undefined;
    return {
      domain: "localhost",
      edgeHost: HOST,
      edgePort: config.edgePort ?? PORTS.edge,
      edgeHttpsPort,
      publicHttpsPort: edgeHttpsPort ?? PORTS.https,
      apiPort,
      apiHost: undefined,
    };
  }
  const edgeHttpsPort = config.edgeHttpsPort ?? PORTS.https;
  return {
    domain,
    edgeHost: anyAddress(),
    edgePort: config.edgePort ?? PORTS.http,
    edgeHttpsPort,
    publicHttpsPort: config.httpsPublicPort ?? edgeHttpsPort,
    apiPort,
    apiHost: config.apiHost ?? `api.${domain}`,
  };
}

/** The authorities that certificates come from. */
export function authorities(config: UpConfig): readonly string[] {
  if (config.domain === undefined) return [];
  return config.acmeDirectoryUrl.length > 0 ? config.acmeDirectoryUrl : [AUTHORITY_DEFAULT];
}

/** The URL of the edge as people type it; browsers resolve every name below `localhost` to this machine. */
export function edgeUrlOf({ domain, edgePort, edgeHttpsPort, publicHttpsPort }: Place): string {
  return edgeHttpsPort === undefined ? `http://${domain}:${edgePort}` : secureUrl(domain, publicHttpsPort);
}

/** The api as this machine reaches it. */
export function apiUrlOf({ apiPort }: Place): string {
  return `http://${HOST}:${apiPort}`;
}

/** The api as other machines reach it. */
export function publicApiUrlOf({ apiHost, publicHttpsPort }: Place): string | undefined {
  return apiHost === undefined ? undefined : secureUrl(apiHost, publicHttpsPort);
}

/** Where browsers open the dashboard: at a name of its own, which no app on this machine gets its cookies at. */
export function dashboardUrlOf(place: Place): string {
  return publicApiUrlOf(place) ?? `http://dashboard.localhost:${place.apiPort}`;
}

function secureUrl(host: string, port: number): string {
  return port === PORTS.https ? `https://${host}` : `https://${host}:${port}`;
}

/** All addresses of both families, or of the one that this machine has. */
function anyAddress(): string {
  try {
    Deno.listen({ hostname: "::", port: 0 }).close();
    return "::";
  } catch {
    return "0.0.0.0"; // IPv6 is switched off
  }
}
