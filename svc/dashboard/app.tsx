/// <reference lib="dom" />
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { type Api, soon } from "./api/clients.ts";
import { type Problem, problemOf } from "./api/problem.ts";
import type { Route } from "./api/router.ts";
import { AuditPage } from "./pages/audit.tsx";
import { KeysPage } from "./pages/keys.tsx";
import { DeploymentsPage } from "./deployments/page.tsx";
import { EnvironmentPage } from "./environment/page.tsx";
import { MetricsPage } from "./metrics/page.tsx";
import { DeploymentPage } from "./pages/deployment.tsx";
import { LoginPage } from "./pages/login.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { PlatformPage } from "./pages/platform.tsx";
import { Palette } from "./palette/palette.tsx";
import { SessionsPage } from "./pages/sessions.tsx";
import { LogsPage } from "./search/page.tsx";
import { Empty, ProblemNote } from "./ui/parts.tsx";

/** The frame of all pages. */
export function App(
  { api, route, go }: {
    readonly api: Api;
    readonly route: Signal<Route>;
    readonly go: (path: string) => void;
  },
): JSX.Element {
  const { page } = route.value;
  useEffect(() => {
    document.title = titleOf(route.value);
  }, [route.value]);
  return (
    <>
      <a class="skip" href="#main">Skip to the content</a>
      <Header api={api} page={page} go={go} />
      <main id="main" tabIndex={-1}>
        <Page api={api} route={route.value} go={go} />
      </main>
    </>
  );
}

function titleOf(route: Route): string {
  switch (route.page) {
    case "overview":
      return "Overview · Unkey";
    case "login":
      return "Log in · Unkey";
    case "sessions":
      return "Sessions · Unkey";
    case "keys":
      return "Keys · Unkey";
    case "platform":
      return "Platform · Unkey";
    case "audit":
      return "Audit · Unkey";
    case "deployments":
      return "Deployments · Unkey";
    case "logs":
      return "Logs · Unkey";
    case "deployment":
      return `${route.id} · Unkey`;
    case "environment":
      return `${route.environmentSlug} · Unkey`;
    case "metrics":
      return `${route.environmentSlug} metrics · Unkey`;
    default:
      return "Unkey";
  }
}

function Page(
  { api, route, go }: { readonly api: Api; readonly route: Route; readonly go: (path: string) => void },
): JSX.Element {
  const onLogin = useCallback(() => go(route.page === "login" ? route.to : "/"), [go, route]);
  switch (route.page) {
    case "overview":
      return <OverviewPage api={api} />;
    case "login":
      return <LoginPage api={api} code={route.code} onLogin={onLogin} />;
    case "sessions":
      return <SessionsPage api={api} />;
    case "keys":
      return <KeysPage api={api} />;
    case "platform":
      return <PlatformPage api={api} />;
    case "audit":
      return <AuditPage api={api} />;
    case "deployments":
      return <DeploymentsPage api={api} />;
    case "logs":
      return <LogsPage api={api} query={route.query} go={go} />;
    case "deployment":
      return <DeploymentPage key={route.id} api={api} id={route.id} line={route.line} />;
    case "environment":
      return <EnvironmentPage api={api} place={route} />;
    case "metrics":
      return <MetricsPage api={api} place={route} query={route.query} />;
    case "missing":
      return <Empty title="There is no such page">The overview has links to all others.</Empty>;
    default:
      return route satisfies never;
  }
}

function Header(
  { api, page, go }: {
    readonly api: Api;
    readonly page: Route["page"];
    readonly go: (path: string) => void;
  },
): JSX.Element {
  const [problem, setProblem] = useState<Problem>();
  const logOut = (): void => {
    setProblem(undefined);
    api.sessions.endSession({}, soon(new AbortController().signal)).then(
      () => go("/login"),
      (error: unknown) => setProblem(problemOf(error, "The logout failed.")),
    );
  };
  const current = (name: Route["page"]): { readonly "aria-current"?: "page" } =>
    page === name ? { "aria-current": "page" } : {};
  return (
    <header>
      <a class="brand" href="/">unkey</a>
      {page === "login" ? null : (
        <>
          <nav aria-label="Pages">
            <a href="/" {...current("overview")}>Overview</a>
            <a href="/deployments" {...current("deployments")}>Deployments</a>
            <a href="/logs" {...current("logs")}>Logs</a>
            <a href="/platform" {...current("platform")}>Platform</a>
            <a href="/audit" {...current("audit")}>Audit</a>
            <a href="/keys" {...current("keys")}>Keys</a>
            <a href="/sessions" {...current("sessions")}>Sessions</a>
          </nav>
          <Palette api={api} go={go} />
          <button type="button" class="quiet" onClick={logOut}>Log out</button>
        </>
      )}
      {problem === undefined ? null : <ProblemNote problem={problem} />}
    </header>
  );
}
