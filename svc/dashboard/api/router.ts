/// <reference lib="dom" />
/** The page that the address names. Links are plain links; those to pages of the dashboard load nothing. */
import { type Signal, signal } from "@preact/signals";
import { type MetricsQuery, metricsQueryOf } from "../metrics/query.ts";
import { type LogQuery, queryOf } from "../search/query.ts";

export type Route =
  | { readonly page: "overview" }
  | { readonly page: "login"; readonly code: string; readonly to: string }
  | { readonly page: "sessions" }
  | { readonly page: "keys" }
  | { readonly page: "audit" }
  | { readonly page: "platform" }
  | { readonly page: "deployments" }
  | { readonly page: "logs"; readonly query: LogQuery }
  /** `line` is the link of a line of its output, or empty. */
  | { readonly page: "deployment"; readonly id: string; readonly line: string }
  | { readonly page: "environment"; readonly projectId: string; readonly environmentSlug: string }
  | {
    readonly page: "metrics";
    readonly projectId: string;
    readonly environmentSlug: string;
    readonly query: MetricsQuery;
  }
  | { readonly page: "missing" };

/** The page of an address. The code of a login link is in the fragment, which browsers send nowhere. */
export function routeOf(pathname: string, hash = "", search = ""): Route {
  if (pathname === "/") return { page: "overview" };
  if (pathname === "/login") {
    const [code = "", to = ""] = hash.replace(/^#/, "").split("&to=", 2);
    return { page: "login", code, to: pageAfterLogin(to) };
  }
  if (pathname === "/sessions") return { page: "sessions" };
  if (pathname === "/keys") return { page: "keys" };
  if (pathname === "/platform") return { page: "platform" };
  if (pathname === "/deployments") return { page: "deployments" };
  if (pathname === "/audit") return { page: "audit" };
  if (pathname === "/logs") return { page: "logs", query: queryOf(search) };
  const place = /^\/environments\/(proj_[A-Za-z0-9]{1,60})\/([a-z0-9-]{1,63})(\/metrics)?$/.exec(pathname);
  if (place !== null) {
    const environment = { projectId: place[1] ?? "", environmentSlug: place[2] ?? "" };
    return place[3] === undefined
      ? { page: "environment", ...environment }
      : { page: "metrics", ...environment, query: metricsQueryOf(search) };
  }
  const id = /^\/deployments\/([A-Za-z0-9_]{1,64})$/.exec(pathname)?.[1];
  return id === undefined ? { page: "missing" } : { page: "deployment", id, line: queryOf(search).line };
}

/** The page that a link leads to behind its login; the overview in the place of anything else. */
function pageAfterLogin(text: string): string {
  try {
    const { pathname, search, origin } = new URL(decodeURIComponent(text), "http://page.invalid");
    const isPage = origin === "http://page.invalid" && routeOf(pathname, "", search).page !== "missing" &&
      pathname !== "/login";
    return isPage ? `${pathname}${search}` : "/";
  } catch {
    return "/";
  }
}

/** Follows the address of a window. A login code is taken out of it, so that no history keeps it. */
export function followAddress(view: Window): Signal<Route> {
  const { location, history, document } = view;
  const read = (): Route => {
    const route = routeOf(location.pathname, location.hash, location.search);
    if (route.page === "login" && route.code !== "") history.replaceState(null, "", "/login");
    return route;
  };
  const route = signal(read());
  view.addEventListener("popstate", () => route.value = read());
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.origin !== location.origin || link.target !== "" || link.hash !== "") return;
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    route.value = read();
    view.scrollTo(0, 0);
    document.getElementById("main")?.focus();
  });
  return route;
}
