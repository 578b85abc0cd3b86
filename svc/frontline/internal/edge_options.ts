/** The settings of an edge, and the parts of the control plane that it may have. */
import type { Clock } from "../../../pkg/clock/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { ProxyLimits, Upstream } from "../../../pkg/proxy/mod.ts";
import type { Challenges } from "./challenges.ts";
import type { FailedRequests } from "./failed_requests.ts";
import type { PasswordChecksOptions } from "./protection/password_checks.ts";
import type { Refusals } from "./refusals.ts";
import type { RequestedDeployments } from "./requested.ts";
import type { WakerOptions } from "./sleep/waker.ts";
import type { Traffic } from "./traffic.ts";
import type { WantedOptions } from "./wanted_certificates.ts";

export interface EdgeOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly region: string;
  readonly limits: ProxyLimits;
  readonly trusts: (address: string) => boolean;
  /**
   * Lets a request name its deployment, on every host. Only for a sentinel, whose deployments all belong to one
   * environment: on an edge it would open every deployment to every host.
   */
  readonly namedDeployments: boolean;
  /** For hosts whose traffic is split: at least 0, and less than 1. */
  readonly random: () => number;
  /** Learns of each deployment that gets a request, where the control plane wants to know. */
  readonly requested?: RequestedDeployments;
  /** Takes what the owners of apps should know, where the control plane wants to know. */
  readonly refusals?: Refusals | undefined;
  /** Counts failed requests around switches, where the control plane wants to know. */
  readonly failedRequests?: FailedRequests | undefined;
  /** Counts the requests of deployments, where the control plane wants to know. */
  readonly traffic?: Traffic | undefined;
  /** Wakes deployments that sleep; without it requests for them fail. */
  readonly wakes?: WakerOptions["client"] | undefined;
  /** Looks at the passwords of visitors; without it none can be checked. */
  readonly passwords?: PasswordChecksOptions["client"];
  /** True for balancers that speak the PROXY protocol. */
  readonly fromBalancer?: ((address: string) => boolean) | undefined;
  /** Absent where TLS ends elsewhere. */
  readonly https?: EdgeHttps | undefined;
  /** Answers challenges of certificate authorities; absent in a sentinel. */
  readonly challenges?: Challenges | undefined;
  /** Orders certificates when a visitor asks for a host; absent where they are ordered otherwise. */
  readonly wants?: WantedOptions["client"] | undefined;
  /** The host name at which the control plane's api is served, and the api. */
  readonly api?: { readonly host: string; readonly upstream: Upstream } | undefined;
}

/** The edge's own TLS. */
export interface EdgeHttps {
  /** The port of https:// URLs, as clients see it. */
  readonly publicPort: number;
  /** True if http:// is redirected for hosts with a certificate. */
  readonly redirects: boolean;
  /** The value of `Strict-Transport-Security`. */
  readonly strictTransport: string | undefined;
}
