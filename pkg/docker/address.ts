import { publicFault } from "../fault/mod.ts";

/** Where the engine listens. */
export type EngineAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly baseUrl: string };

/** The address when neither a setting nor `DOCKER_HOST` says otherwise. */
export const HOST_DEFAULT = "unix:///var/run/docker.sock";

/**
 * Reads a value in the form of `DOCKER_HOST`: `unix:///path`, `tcp://host:port` or `http://host:port`.
 *
 * @throws `invalid_argument` for any other form
 */
export function parseHost(host: string): EngineAddress {
  const socket = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  if (socket !== undefined) return { kind: "unix", path: socket };
  const remote = /^(?:tcp|http):\/\/([^/]+)\/?$/.exec(host)?.[1];
  if (remote !== undefined) return { kind: "tcp", baseUrl: `http://${remote}` };
  throw publicFault(
    "invalid_argument",
    `The Docker host must look like "${HOST_DEFAULT}" or "tcp://127.0.0.1:2375": got "${host.slice(0, 200)}"`,
  );
}
