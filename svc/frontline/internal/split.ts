/** The version that answers a request, where a host's traffic is split between two. */
import type { ProxyRequest } from "../../../pkg/proxy/mod.ts";
import type { Instance, Target } from "./route_table.ts";
import type { Split } from "./share.ts";

/** The version for one request. */
export interface Choice {
  readonly deploymentId: string;
  /** Of this version; of the other one where this one has none. */
  readonly instances: readonly Instance[];
  /** Of the other version, for when this one cannot be reached. */
  readonly others: readonly Instance[];
  /** A cookie that the client is to get. */
  readonly setCookie?: string | undefined;
}

export interface SplitterOptions {
  /** At least 0, and less than 1. */
  readonly random: () => number;
  readonly instancesOf: (deploymentId: string) => readonly Instance[];
  readonly schemeOf: (request: ProxyRequest) => "http" | "https";
  /** A request of this version goes to the other one, because its own instances took no connection. */
  readonly onUnreachable: (deploymentId: string) => void;
}

const COOKIE = "unkey-split";
/** As long as the longest gradual switch. */
const COOKIE_SECONDS = 7 * 86_400;
const SHARES = 100;
/** After so many failed dials of one version the other one is tried: a request has three. */
const OWN_DIALS_MAX = 2;

/** Chooses once for each request, however often it is asked. */
export class Splitter {
  readonly #options: SplitterOptions;
  readonly #choices = new WeakMap<ProxyRequest, Choice>();

  constructor(options: SplitterOptions) {
    this.#options = options;
  }

  of(request: ProxyRequest, { route, instances }: Target): Choice {
    const { split } = route;
    if (split === undefined) return { deploymentId: route.deploymentId, instances, others: [] };
    const known = this.#choices.get(request);
    if (known !== undefined) return known;
    const live = { deploymentId: route.deploymentId, instances };
    const choice = this.#choose(request, split, live);
    this.#choices.set(request, choice);
    return choice;
  }

  #choose(request: ProxyRequest, split: Split, live: Omit<Choice, "others">): Choice {
    const { random, instancesOf, schemeOf } = this.#options;
    const next = { deploymentId: split.deploymentId, instances: instancesOf(split.deploymentId) };
    const given = split.sticky ? placeIn(request, split.token) : undefined;
    const place = given ?? Math.floor(random() * SHARES);
    const [wanted, other] = place < split.percent ? [next, live] : [live, next];
    // A version without an instance answers nothing, and is not kept for later requests either.
    if (wanted.instances.length === 0) return { ...other, others: [] };
    if (!split.sticky || given !== undefined) return { ...wanted, others: other.instances };
    const setCookie =
      `${COOKIE}=${split.token}.${place}; Path=/; Max-Age=${COOKIE_SECONDS}; HttpOnly; SameSite=Lax${
        schemeOf(request) === "https" ? "; Secure" : ""
      }`;
    return { ...wanted, others: other.instances, setCookie };
  }

  /** The instances to try next. */
  untried({ deploymentId, instances, others }: Choice, tried: ReadonlySet<string>): readonly Instance[] {
    if (others.length === 0 || tried.size === 0) return instances;
    const own = instances.filter(({ key }) => !tried.has(key));
    const rest = others.filter(({ key }) => !tried.has(key));
    if (rest.length === 0 || (own.length > 0 && tried.size < OWN_DIALS_MAX)) return own;
    this.#options.onUnreachable(deploymentId);
    return rest;
  }
}

/** The place of the client among all, from 0 to 99, as its cookie has it. A greater share takes further places. */
function placeIn({ headers }: ProxyRequest, token: string): number | undefined {
  for (const { lower, value } of headers) {
    if (lower !== "cookie" || !value.includes(COOKIE)) continue;
    for (const each of value.split(";")) {
      const [, name, found, place] = /^ *([a-z-]+)=([0-9a-z]+)\.([0-9]{1,2}) *$/.exec(each) ?? [];
      if (name === COOKIE && found === token) return Number(place);
    }
  }
  return undefined;
}

/** Numbers that spread evenly, at the cost of a multiplication. They are no secret. */
export function cheapRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The deployment that a failure belongs to: that of the instance, where it is known. */
export function failedVersion(
  { route, instances }: Target,
  instanceKey: string | undefined,
): string {
  const { split, deploymentId } = route;
  if (split === undefined || instanceKey === undefined) return deploymentId;
  return instances.some(({ key }) => key === instanceKey) ? deploymentId : split.deploymentId;
}
