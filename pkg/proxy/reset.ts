/** The parts of a socket that end its connection. */
export interface Resettable {
  destroy(): unknown;
  /** Absent in runtimes before Deno 2.9, with which executables may be made. */
  resetAndDestroy?(): unknown;
}

/** Ends a connection so that the client sees a broken response; closes it where the runtime cannot reset. */
export function reset(socket: Resettable): void {
  if (socket.resetAndDestroy === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
