import { connect } from "node:net";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { publicFault } from "../fault/mod.ts";
import { Control } from "../../proto/gen/moby/buildkit/v1/control_pb.ts";

/** A connection to one BuildKit daemon. Close it when done; builds may run side by side. */
export interface Daemon {
  readonly url: string;
  readonly control: Client<typeof Control>;
  close(): void;
}

/** Where a daemon listens. */
export type DaemonAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly baseUrl: string };

/**
 * Reads a daemon's address: `tcp://host:port`, `https://host:port`, or `unix:///path`.
 *
 * @throws `invalid_argument` for any other form
 */
export function daemonAddress(url: string): DaemonAddress {
  const path = /^unix:\/\/(\/.+)$/.exec(url)?.[1];
  if (path !== undefined) return { kind: "unix", path };
  const [, scheme, authority] = /^(tcp|http|https):\/\/([^/@\s]+)\/?$/.exec(url) ?? [];
  const baseUrl = `${scheme === "https" ? "https" : "http"}://${authority}`;
  if (authority !== undefined && URL.canParse(baseUrl)) return { kind: "tcp", baseUrl };
  throw publicFault(
    "invalid_argument",
    `A BuildKit address must look like "tcp://buildkitd:1234" or "unix:///run/buildkit/buildkitd.sock": got "${
      url.slice(0, 200)
    }"`,
  );
}

/**
 * Opens a client; nothing is sent before the first call.
 *
 * @throws `invalid_argument` when `url` has an unknown form
 */
export function openDaemon(url: string): Daemon {
  const address = daemonAddress(url);
  const baseUrl = address.kind === "tcp" ? address.baseUrl : "http://buildkitd";
  const nodeOptions = address.kind === "tcp" ? {} : { createConnection: () => connect(address.path) };
  const sessionManager = new Http2SessionManager(baseUrl, {}, nodeOptions);
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  return { url, control: createClient(Control, transport), close: () => sessionManager.abort() };
}
