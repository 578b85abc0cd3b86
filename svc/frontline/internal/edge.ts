import type { SecureContext } from "node:tls";
import type { Clock } from "../../../pkg/clock/mod.ts";
import {
  type Answer,
  type AppTraffic,
  type Decision,
  type Failure,
  type FailureReport,
  type HeaderField,
  Proxy,
  type ProxyRequest,
  type Upstream,
} from "../../../pkg/proxy/mod.ts";
import { newId } from "../../../pkg/uid/mod.ts";
import { Balancer } from "./balancer.ts";
import { Certificates } from "./certificates.ts";
import { CHALLENGE_PATH } from "./challenges.ts";
import { explain } from "./explain.ts";
import { health, HEALTH_PATH, isCheck } from "./health.ts";
import { FailureLog } from "./failure_log.ts";
import { FirstSnapshot } from "./first_snapshot.ts";
import { isFailedRequest } from "./failed_requests.ts";
import type { EdgeOptions } from "./edge_options.ts";
import { EdgeCounts } from "./metrics.ts";
import { Gate, type ProtectedRoute } from "./protection/gate.ts";
import { PasswordChecks } from "./protection/password_checks.ts";
import { clientScheme, redirect } from "./redirects.ts";
import { Loads, type RegionLoad } from "./load.ts";
import { refusalText } from "./refusal_text.ts";
import { type Route, RouteTable } from "./route_table.ts";
import { type Go, Sleepers } from "./sleep/sleepers.ts";
import { type Choice, failedVersion, Splitter } from "./split.ts";
import { stopText } from "./stop_text.ts";
import { WantedCertificates } from "./wanted_certificates.ts";

/** In lower case. */
const DEPLOYMENT_HEADER = "x-deployment-id";

const STARTING: Decision = { kind: "fail", failure: { kind: "starting", detail: "No routes yet." } };

/** The proxy with its routes: the instance for each request, or the failure that explains why there is none. */
export class Edge {
  readonly table: RouteTable;
  readonly certificates: Certificates;
  readonly proxy: Proxy;
  readonly counts = new EdgeCounts();
  /** Load balancers should send no more requests; it still answers them. */
  stopping = false;
  readonly #balancer: Balancer;
  readonly #loads: Loads;
  readonly #wanted: WantedCertificates | undefined;
  readonly #options: EdgeOptions;
  readonly #snapshot: FirstSnapshot;
  readonly #gate: Gate;
  readonly #splitter: Splitter;
  /** Requests for deployments that sleep; absent without a control plane that wakes them. */
  readonly sleepers: Sleepers | undefined;
  #ready = false;

  constructor(options: EdgeOptions) {
    const { clock, log, region, limits, trusts } = options;
    this.#options = options;
    this.#snapshot = new FirstSnapshot(clock);
    const passwords = new PasswordChecks({ client: options.passwords, clock, log });
    this.#gate = new Gate({ clock, trusts, passwords });
    this.certificates = new Certificates(log, () => this.#wanted?.arrived());
    this.#wanted = options.wants && new WantedCertificates({
      client: options.wants,
      clock,
      log,
      isServed: (host) => this.table.lookup(host) !== undefined,
      covers: (host) => this.certificates.covers(host),
    });
    const nowMs = (): number => clock.now();
    this.table = new RouteTable((key) => {
      this.proxy.retire(key);
      this.#balancer.forget(key);
    }, (from, to) => {
      // The first snapshot moves nothing.
      if (this.#ready) options.failedRequests?.moved(from, to, nowMs());
    }, (deploymentId) => this.sleepers?.queue.ready(deploymentId));
    this.sleepers = options.wakes && new Sleepers({ clock, log, client: options.wakes }, this.table);
    this.#balancer = new Balancer({
      region,
      nowMs,
      load: (key) => this.proxy.load(key),
      isDown: (each) => this.table.isDown(each),
    });
    this.#loads = new Loads((instances) => this.#balancer.preferred(instances));
    this.#splitter = new Splitter({
      random: options.random,
      instancesOf: (id) => this.table.instancesOf(id) ?? [],
      schemeOf: (request) => clientScheme(request, trusts),
      onUnreachable: (id) => options.traffic?.of(id, nowMs())?.failed(503),
    });
    const failures = new FailureLog({ log, clock });
    this.proxy = new Proxy({
      clock,
      log,
      limits,
      trusts,
      appOf: ({ host }) => this.table.lookup(host)?.route.deploymentId ?? host,
      strictTransport: options.https?.strictTransport,
      fromBalancer: options.fromBalancer,
      route: (request, tried) => this.#route(request, tried),
      explain,
      newRequestId: requestIds(clock),
      onDial: (upstream, ok) => {
        this.counts.dials[ok ? "ok" : "failed"]++;
        this.#balancer.dialed(upstream.key, ok);
      },
      onFailure: (report) => {
        this.counts.failure(report.kind);
        failures.note(report);
        this.#tell(options, report);
      },
      onStatus: (status, upstream) => {
        this.counts.response(status);
        const { owner } = upstream ?? {};
        if (status >= 500 && owner !== undefined) options.failedRequests?.note(owner, "instance", nowMs());
      },
      onResponded: (waitedMs) => this.counts.responded?.(waitedMs),
      trafficOf: options.traffic && ((request) => this.#trafficOf(request)),
    });
  }

  /** The first snapshot of routes is complete. */
  get ready(): boolean {
    return this.#ready;
  }

  set ready(isReady: boolean) {
    this.#ready = isReady;
    if (isReady) this.#snapshot.arrive();
  }

  /** The certificate of a host name in lower case; one that may be on its way is waited for. */
  contextOf(host: string): SecureContext | undefined | Promise<SecureContext | undefined> {
    const context = this.certificates.contextOf(host);
    if (context !== undefined) return context;
    return this.#wanted?.want(host)?.then(() => this.certificates.contextOf(host));
  }

  #tell({ refusals, failedRequests, limits, clock }: EdgeOptions, report: FailureReport): void {
    const found = this.table.lookup(report.host ?? "");
    const deploymentId = found && failedVersion(found, report.upstream);
    if (deploymentId !== undefined && isFailedRequest(report)) {
      failedRequests?.note(deploymentId, "edge", clock.now());
    }
    const text = refusals === undefined || deploymentId === undefined
      ? undefined
      : refusalText(report, limits);
    if (deploymentId !== undefined && text !== undefined) refusals?.note(deploymentId, text, clock.now());
  }

  /** The loads to report now: those of all deployments whose load the control plane wants to know. */
  takeLoads(nowMs: number): readonly RegionLoad[] {
    const { traffic } = this.#options;
    if (traffic === undefined) return [];
    const sources = [...this.table.scaled()].map((each) => ({
      ...each,
      busyMs: traffic.busyMs(each.deploymentId, nowMs),
    }));
    return this.#loads.take(sources, nowMs);
  }

  /** Deployments with requests under way get requests all the time, such as those of an open WebSocket. */
  noteOpenRequests(): void {
    if (this.#options.requested === undefined) return;
    for (const id of this.table.deploymentsWhere(({ key }) => this.proxy.load(key) > 0)) {
      this.#options.requested.note(id);
    }
  }

  /** Requests that the edge answers itself, such as redirects, are no traffic of a deployment. */
  #trafficOf(request: ProxyRequest): AppTraffic | undefined {
    const { traffic, clock } = this.#options;
    const found = this.table.lookup(request.host);
    const isOwn = found === undefined || found.route.redirectHostname !== "" ||
      request.target.startsWith(HEALTH_PATH) ||
      (isProtected(found.route) && !this.#gate.isProven(request, found.route));
    return isOwn ? undefined : traffic?.of(this.#splitter.of(request, found).deploymentId, clock.now());
  }

  #route(request: ProxyRequest, tried: ReadonlySet<string>): Decision {
    const { target } = request;
    if (target === HEALTH_PATH || target === `${HEALTH_PATH}/ready`) {
      return { kind: "answer", answer: health(this.#state) };
    }
    if (target === `${HEALTH_PATH}/live`) return { kind: "answer", answer: health("ok") };
    const challenge = target.startsWith(CHALLENGE_PATH) && tried.size === 0
      ? this.#options.challenges?.find(request.host, target)
      : undefined;
    if (challenge === undefined) return this.#routeToApp(request, tried);
    const decision = challenge.then((authorization): Decision =>
      authorization === undefined ? this.#routeToApp(request, tried) : {
        kind: "answer",
        answer: { status: 200, headers: [["Content-Type", "text/plain"]], body: authorization },
      }
    );
    return { kind: "wait", decision };
  }

  #routeToApp(request: ProxyRequest, tried: ReadonlySet<string>, waited: Waited = {}): Decision {
    const moved = this.#moved(request);
    if (moved !== undefined) return { kind: "answer", answer: moved };
    // The answer does not wait for it: the next visit is over https://.
    if (request.scheme === "http") void this.#wanted?.want(request.host);
    const { api } = this.#options;
    if (api !== undefined && request.host === api.host) return toApi(api.upstream, tried);
    const route = this.table.lookup(request.host)?.route;
    if (route === undefined || !isProtected(route)) return this.#choose(request, tried, waited);
    return this.#gate.decide(
      request,
      route,
      (headers) => this.#choose(request, tried, { ...waited, headers }),
    );
  }

  #choose(
    request: ProxyRequest,
    tried: ReadonlySet<string>,
    { forRoutes, turn, headers }: Waited & { readonly headers?: readonly HeaderField[] },
  ): Decision {
    const choice = this.#find(request);
    if ("kind" in choice && choice.kind === "unknown_host" && isCheck(request)) {
      return { kind: "answer", answer: health(this.#state) };
    }
    if (!this.ready && ("kind" in choice || choice.instances.length === 0)) {
      return forRoutes === true ? STARTING : {
        kind: "wait",
        decision: this.#snapshot.wait().then(() => this.#routeToApp(request, tried, { forRoutes: true })),
      };
    }
    if ("kind" in choice) return { kind: "fail", failure: choice };
    if (turn === undefined && tried.size === 0) {
      const again = (turn: Go): Decision => this.#routeToApp(request, tried, { turn });
      const wait = this.sleepers?.decide(request, choice, again);
      if (wait !== undefined) return wait;
    }
    if (choice.instances.length === 0) {
      return { kind: "fail", failure: { kind: "no_instance", detail: "No instance is running." } };
    }
    const upstream = this.#balancer.choose(this.#splitter.untried(choice, tried), tried);
    if (upstream !== undefined) {
      const { instances, others, setCookie } = choice;
      const hasOthers = instances.length + others.length > tried.size + 1;
      return { kind: "forward", upstream, hasOthers, headers, setCookie, settled: turn?.settled };
    }
    return {
      kind: "fail",
      failure: { kind: "instance_unreachable", detail: "No instance took the connection." },
    };
  }

  get #state(): "ok" | "starting" | "stopping" {
    return this.stopping ? "stopping" : this.ready ? "ok" : "starting";
  }

  /** The redirect to https:// or to another host, if there is one. */
  #moved(request: ProxyRequest): Answer | undefined {
    const { https, trusts } = this.#options;
    const { host, target } = request;
    const to = this.table.lookup(host)?.route.redirectHostname ?? "";
    if (target === "*" || (https === undefined && to === "")) return undefined;
    const scheme = clientScheme(request, trusts);
    const isChallenge = target.startsWith(CHALLENGE_PATH);
    const secures = https?.redirects === true && !isChallenge &&
      this.certificates.covers(to === "" ? host : to);
    if (to === "" && (!secures || scheme === "https")) return undefined;
    const httpsPort = https?.publicPort ?? 443;
    return redirect(request, { scheme: secures ? "https" : scheme, host: to === "" ? host : to, httpsPort });
  }

  #find(request: ProxyRequest): Choice | Failure {
    const { host, headers } = request;
    const named = this.#options.namedDeployments
      ? headers.filter((each) => each.lower === DEPLOYMENT_HEADER)
      : [];
    const [first, second] = named;
    if (second !== undefined) {
      return { kind: "bad_request", detail: "X-Deployment-Id is given more than once." };
    }
    if (first !== undefined) {
      const instances = this.table.instancesOf(first.value);
      if (instances === undefined) return { kind: "unknown_deployment", detail: "No such deployment." };
      return { deploymentId: first.value, instances, others: [] };
    }
    const found = this.table.lookup(host);
    if (found === undefined) return { kind: "unknown_host", detail: "No route." };
    const { route, instances } = found;
    // Its last instances may still be answering.
    if (route.stopped && instances.length === 0) {
      return { kind: "deployment_stopped", detail: stopText(route) };
    }
    const choice = this.#splitter.of(request, found);
    this.#options.requested?.note(choice.deploymentId);
    return choice;
  }
}

/** The waits that a request has behind it. */
interface Waited {
  /** For the first routes of this edge. */
  readonly forRoutes?: boolean;
  /** For a deployment that slept. */
  readonly turn?: Go;
}

function isProtected(route: Route): route is Route & ProtectedRoute {
  return route.protection !== undefined;
}

function toApi(upstream: Upstream, tried: ReadonlySet<string>): Decision {
  if (!tried.has(upstream.key)) return { kind: "forward", upstream };
  return {
    kind: "fail",
    failure: { kind: "instance_unreachable", detail: "The control plane does not answer." },
  };
}

/** Ids as unique as those of `newId`, and much cheaper: one id per process, and a counter. */
function requestIds(clock: Clock): () => string {
  const base = newId("request", clock.now());
  let count = 0;
  return () => `${base}${(count++).toString(36).padStart(5, "0")}`;
}
