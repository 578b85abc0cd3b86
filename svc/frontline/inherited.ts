import { publicFault } from "../../pkg/fault/mod.ts";

/** Listening sockets that this process was started with, as file descriptors. */
export interface InheritedSockets {
  readonly http: number;
  readonly https: number | undefined;
}

/** Descriptors begin here, after the three standard streams. */
const FIRST = 3;

/**
 * The sockets that systemd passes (`sd_listen_fds(3)`): the first one for HTTP, the second one for HTTPS. `undefined` when
 * there are none for this process. Connections that come while the process is being restarted wait in them.
 *
 * @throws `failed_precondition` for more sockets than that
 */
export function inheritedSockets(
  env: (name: string) => string | undefined,
  pid: number,
): InheritedSockets | undefined {
  const count = Number(env("LISTEN_FDS") ?? 0);
  if (!(count > 0) || env("LISTEN_PID") !== String(pid)) return undefined;
  if (count > 2) {
    throw publicFault(
      "failed_precondition",
      `This edge was given ${count} sockets (LISTEN_FDS): it takes one for HTTP, and a second one for HTTPS. ` +
        "Correct ListenStream= of its socket unit.",
    );
  }
  return { http: FIRST, https: count === 2 ? FIRST + 1 : undefined };
}
