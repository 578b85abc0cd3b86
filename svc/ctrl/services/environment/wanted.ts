/** The wishes of a request about an environment, checked. */
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import { IDLE_END_SECONDS_MAX } from "../../internal/deployments/idle_end.ts";
import type { AppSettings } from "../../internal/deployments/app/settings.ts";
import type { SizeLimits, SizeSettings } from "../../internal/deployments/size.ts";
import { customHostname, type DomainDns, requireDomains } from "../../internal/domains/mod.ts";
import { type AppLimits, appSettings, type WireApp } from "../../internal/validate/app.ts";
import { invalid } from "../../internal/validate/mod.ts";
import { sizeSettings, type WireSize } from "../../internal/validate/size.ts";
import { checkVariableName, checkVariables } from "../../internal/variables/write.ts";

/** As messages have it: empty and 0 are not set. */
export interface WireWanted {
  readonly size: WireSize | undefined;
  readonly settings: WireApp | undefined;
  readonly appProtocol: string;
  readonly idleEndSeconds: number | undefined;
  readonly variables: Readonly<Record<string, string>>;
  readonly requiredVariables: readonly string[];
  readonly domains: readonly { readonly domain: string; readonly redirectTo: string }[];
  readonly prune: boolean;
}

/** The same with the values of variables as they were given. */
export interface CheckedWanted {
  readonly size: SizeSettings;
  readonly settings: AppSettings;
  readonly appProtocol: string | undefined;
  readonly idleEndSeconds: number | undefined;
  readonly variables: ReadonlyMap<string, string>;
  readonly requiredVariables: readonly string[];
  readonly domains: ReadonlyMap<string, string>;
  readonly prune: boolean;
}

export interface WantedLimits {
  readonly sizes: SizeLimits;
  readonly apps: AppLimits;
  readonly domains: DomainDns | undefined;
}

const DOMAINS_MAX = 50;
const REQUIRED_MAX = 500;

/** @throws `invalid_argument` for the first value that is not allowed, `too_large`; `failed_precondition` for domains that the platform does not have */
export function checkWanted(
  wire: WireWanted,
  { sizes, apps, domains }: WantedLimits,
  environmentSlug: string,
): CheckedWanted {
  checkVariables("wanted.variables", wire.variables);
  return {
    size: sizeSettings("wanted.size", wire.size, sizes),
    settings: appSettings("wanted.settings", wire.settings, apps),
    appProtocol: protocol(wire.appProtocol),
    idleEndSeconds: idleEnd(wire.idleEndSeconds, environmentSlug),
    variables: new Map(Object.entries(wire.variables)),
    requiredVariables: required(wire),
    domains: wire.domains.length === 0 ? new Map() : hostnames(wire, requireDomains(domains)),
    prune: wire.prune,
  };
}

/** The form of a deployment's row. */
function protocol(given: string): string | undefined {
  if (given === "") return undefined;
  if (given === "http1") return "";
  if (given === "h2c") return given;
  throw invalid("wanted.app_protocol", 'must be "http1" or "h2c"', given);
}

function idleEnd(seconds: number | undefined, slug: string): number | undefined {
  if (seconds === undefined) return undefined;
  if (seconds < 0 || seconds > IDLE_END_SECONDS_MAX) {
    throw invalid(
      "wanted.idle_end_seconds",
      `must be between 0 and ${IDLE_END_SECONDS_MAX}`,
      String(seconds),
    );
  }
  if (slug !== PRODUCTION_SLUG || seconds === 0) return seconds;
  throw invalid(
    "wanted.idle_end_seconds",
    "must be 0 for production: what it serves goes on without requests",
  );
}

function required({ requiredVariables: names, variables }: WireWanted): readonly string[] {
  if (names.length > REQUIRED_MAX) {
    throw invalid("wanted.required_variables", `must be at most ${REQUIRED_MAX}`);
  }
  for (const name of names) checkVariableName("wanted.required_variables", name);
  return [...new Set(names)].filter((name) => !Object.hasOwn(variables, name)).sort();
}

function hostnames({ domains }: WireWanted, { platform }: DomainDns): ReadonlyMap<string, string> {
  if (domains.length > DOMAINS_MAX) throw invalid("wanted.domains", `must be at most ${DOMAINS_MAX}`);
  const found = new Map<string, string>();
  for (const { domain, redirectTo } of domains) {
    const name = customHostname("wanted.domains.domain", domain, platform.ownDomains);
    if (found.has(name)) throw invalid("wanted.domains", "must have each name once", name);
    found.set(
      name,
      redirectTo === "" ? "" : customHostname("wanted.domains.redirect_to", redirectTo, platform.ownDomains),
    );
  }
  return found;
}
