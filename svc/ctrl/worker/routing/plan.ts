/** The names of a deployment, and the times at which deployments without traffic are stopped. Pure. */
import type { Domain, Sticky } from "../../internal/deployments/domains.ts";

/** The deployment that asks. */
export interface Contender {
  readonly id: string;
  /** Grows per environment: the newest wins. */
  readonly sequence: number;
}

export interface RoutePlanInput {
  readonly contender: Contender;
  readonly rolledBack: boolean;
  /** The live deployment's, where there is one. */
  readonly liveSequence: number | undefined;
  readonly domains: readonly Domain[];
  readonly holders: ReadonlyMap<string, Contender>;
  /** The environment's traffic is to move in steps. */
  readonly inSteps: boolean;
}

/** The contender's names. */
export interface RoutePlan {
  readonly routes: readonly { readonly hostname: string; readonly sticky: Sticky }[];
  /** True when it serves the environment from now on. */
  readonly live: boolean;
  /** True when it gets a share of the environment's requests. */
  readonly inSteps: boolean;
  /** For the user, when it does not. */
  readonly notice?: string;
}

/**
 * Gives names to a deployment that has become ready.
 *
 * The newest of an environment serves it; an older one that finishes later gets its own names only. While the
 * environment is rolled back nothing takes its traffic but a promote.
 */
export function planRoutes(facts: RoutePlanInput): RoutePlan {
  const { contender, rolledBack, liveSequence, domains } = facts;
  const newest = liveSequence === undefined || liveSequence <= contender.sequence;
  const serves = newest && !rolledBack;
  const live = serves && !facts.inSteps;
  const inSteps = serves && facts.inSteps;
  const routes = domains.flatMap((domain) => {
    const hostname = hostnameFor(domain, facts, live);
    return hostname === undefined ? [] : [{ hostname, sticky: domain.sticky }];
  });
  if (serves) return { routes, live, inSteps };
  const notice = rolledBack
    ? "The environment is rolled back: this deployment is ready, and takes its traffic when it is promoted."
    : "A newer deployment serves the environment already: this one answers at its own names only.";
  return { routes, live, inSteps, notice };
}

function hostnameFor(domain: Domain, facts: RoutePlanInput, live: boolean): string | undefined {
  const holder = facts.holders.get(domain.hostname);
  switch (domain.sticky) {
    case "none":
      return holder === undefined || holder.id === facts.contender.id
        ? domain.hostname
        : domain.spare ?? domain.hostname;
    case "branch":
      return holder === undefined || holder.sequence <= facts.contender.sequence
        ? domain.hostname
        : undefined;
    case "environment":
    case "live":
    case "custom":
      return live ? domain.hostname : undefined;
  }
}

/** The names in the order in which people want to see them. */
export function inShownOrder<T extends { readonly hostname: string; readonly sticky: Sticky }>(
  routes: readonly T[],
): readonly T[] {
  const rank: Record<Sticky, number> = { custom: 0, live: 1, environment: 2, branch: 3, none: 4 };
  return routes.toSorted((a, b) =>
    rank[a.sticky] - rank[b.sticky] || (a.hostname < b.hostname ? -1 : a.hostname > b.hostname ? 1 : 0)
  );
}

/** The time that a deployment without traffic goes on running. */
export interface Retention {
  /** So many of those that served last stay warm: a rollback to them needs no start. */
  readonly warmCount: number;
  /** For those that stay warm. Both times begin with the switch that took the deployment's traffic. */
  readonly warmMs: number;
  /** For all others: requests under way are through by then. */
  readonly graceMs: number;
  /** The longest wait of a stop, beyond its time, for edges that may still send requests. */
  readonly edgesMs: number;
}

/** A ready deployment that serves nothing. */
export interface Idle {
  readonly id: string;
  /** When it was live last, as a number that grows; 0: never. */
  readonly lastLive: number;
}

/** One stop to schedule. */
export interface Retirement {
  readonly deploymentId: string;
  readonly delayMs: number;
  /** True: it counts even when an earlier schedule would stop the deployment sooner. */
  readonly renews: boolean;
}

/**
 * When to stop each deployment that serves nothing: the ones that served last stay warm, `displaced`, which has just
 * lost its traffic, for the full time; whatever is beyond the number of those goes after the grace time.
 */
export function planRetirements(
  idle: readonly Idle[],
  { displaced, keep }: { readonly displaced: string | undefined; readonly keep: string },
  { warmCount, warmMs, graceMs }: Retention,
): readonly Retirement[] {
  const others = idle.filter(({ id }) => id !== keep).toSorted((a, b) => b.lastLive - a.lastLive);
  const warm = new Set(others.filter(({ lastLive }) => lastLive > 0).slice(0, warmCount).map(({ id }) => id));
  return others.map(({ id: deploymentId }) => ({
    deploymentId,
    delayMs: warm.has(deploymentId) ? warmMs : graceMs,
    renews: deploymentId === displaced,
  }));
}

/** A stop that is under way. */
export interface Scheduled {
  readonly id: string;
  readonly dueAtMs: number;
  /** When its traffic went; absent in what an older worker wrote. */
  readonly switchedAtMs?: number;
}

/**
 * The times of a retirement, or `undefined` when the scheduled stop stays. A stop that is due sooner stays, or deploys in
 * a row would put it off for ever.
 */
export function schedule(
  { delayMs, renews }: Retirement,
  scheduled: Scheduled | undefined,
  nowMs: number,
): Required<Omit<Scheduled, "id">> | undefined {
  const switchedAtMs = renews ? nowMs : scheduled?.switchedAtMs ?? nowMs;
  const dueAtMs = Math.max(nowMs, switchedAtMs + delayMs);
  const replaces = scheduled === undefined || renews || dueAtMs < scheduled.dueAtMs;
  return replaces ? { dueAtMs, switchedAtMs } : undefined;
}
