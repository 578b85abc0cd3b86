/** A failed call in the three parts of the command line's texts: what happened, why, what to do. */
import { Code, ConnectError } from "@connectrpc/connect";

export interface Problem {
  readonly what: string;
  readonly why: string;
  readonly next: string;
  /** The session is over: only a new login helps. */
  readonly loggedOut: boolean;
}

/** @param what names the act that failed, as a sentence */
export function problemOf(error: unknown, what: string): Problem {
  const { code, rawMessage } = ConnectError.from(error);
  switch (code) {
    case Code.Unauthenticated:
      return {
        what: "You are logged out.",
        why: "The session has ended, was revoked, or its root key was.",
        next: 'Run "unkey dashboard" in a terminal for a new login.',
        loggedOut: true,
      };
    case Code.PermissionDenied:
      return {
        what,
        why: rawMessage,
        next: 'Log in with a key that may do it: "unkey dashboard" uses the key of your stored login.',
        loggedOut: false,
      };
    case Code.NotFound:
      return { what, why: rawMessage, next: "Go back to the overview.", loggedOut: false };
    case Code.Unavailable:
    case Code.Unknown:
    case Code.DeadlineExceeded:
    case Code.Canceled:
      return {
        what: "The control plane does not answer.",
        why: "The connection failed, or the server is stopping.",
        next: "The page tries again by itself. Nothing that was shown is lost.",
        loggedOut: false,
      };
    default:
      return { what, why: rawMessage, next: "Try again.", loggedOut: false };
  }
}
