/** The dashboard's own origin, and the cookie of its sessions. */
import { Fault } from "../../../../pkg/fault/mod.ts";

/** Session ids begin so. They work as a cookie only. */
export const SESSION_PREFIX = "session_";

/** `__Host-`: no other host, also none below the same domain, can set it. */
export const SESSION_COOKIE = "__Host-unkey";

const ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Strict";

/** `Set-Cookie` of a session. It ends with the browser, or with the session. */
export function sessionCookie(token: string, seconds: number): string {
  return `${SESSION_COOKIE}=${token}; Max-Age=${seconds}; ${ATTRIBUTES}`;
}

/** `Set-Cookie` that takes the cookie back. */
export function noSessionCookie(): string {
  return `${SESSION_COOKIE}=; Max-Age=0; ${ATTRIBUTES}`;
}

/** The value of the session's cookie. Two of them are as good as none: a browser sends one. */
export function sessionTokenOf(headers: Headers): string | undefined {
  const values = (headers.get("cookie") ?? "").split(/[;,] */).filter((each) =>
    each.startsWith(`${SESSION_COOKIE}=`)
  );
  const [only] = values;
  const token = values.length === 1 ? only?.slice(SESSION_COOKIE.length + 1) : undefined;
  return token !== undefined && /^session_[1-9A-HJ-NP-Za-km-z]{30,60}$/.test(token) ? token : undefined;
}

/** True for a request with a cookie of a session, whatever its value. */
export function hasSessionCookie(headers: Headers): boolean {
  return (headers.get("cookie") ?? "").split(/[;,] */).some((each) => each.startsWith(`${SESSION_COOKIE}=`));
}

/**
 * The origin at which browsers open the dashboard. On a developer's machine it has a name of its own: cookies know no
 * ports, so that one of `127.0.0.1` or `localhost` would be sent to every app on this machine.
 */
export class DashboardSite {
  readonly #url: () => string;

  /** @param url is read with each request, since the port is known late */
  constructor(url: () => string) {
    this.#url = url;
  }

  /** Without a slash at its end. */
  get origin(): string {
    return new URL(this.#url()).origin;
  }

  get host(): string {
    return new URL(this.#url()).host;
  }

  /**
   * Lets only calls of the dashboard's own pages pass. Browsers say in `Sec-Fetch-Site` where a request comes from; those
   * that do not (plain http off loopback) say it in `Origin`. The header of the protocol cannot be sent by a form, nor by a
   * page of another origin without asking first, and that is never allowed.
   *
   * @throws `permission_denied`
   */
  requireOwnPage(headers: Headers): void {
    const fetchSite = headers.get("sec-fetch-site");
    const isSameOrigin = fetchSite === null
      ? headers.get("origin") === this.origin
      : fetchSite === "same-origin";
    if (!isSameOrigin) throw notOwnPage("it comes from another page");
    if (headers.get("host") !== this.host) throw notOwnPage("it is for another host");
    if (headers.get("connect-protocol-version") !== "1") throw notOwnPage("it is not made by the dashboard");
  }
}

function notOwnPage(why: string): Fault {
  const text =
    `This call is taken from pages of the dashboard only, and ${why}. Open the dashboard at its own URL: ` +
    '"unkey dashboard" does it.';
  return new Fault("permission_denied", `${why}: refused`, { publicMessage: text });
}
