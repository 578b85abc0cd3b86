/**
 * The host names of a deployment.
 *
 * ```ts
 * domainsOf({ project: "shop", environment: "production", workspace: "acme", apex: "localhost", ... });
 * // shop-git-0a1b2c3-4711-acme.localhost      none         this deployment for ever
 * // shop-production-git-main-acme.localhost   branch       newest of its branch in the environment
 * // shop-production-acme.localhost            environment  the live deployment
 * // shop-acme.localhost                       live         the same, for production only
 * ```
 *
 * Branches of `preview` are named without it, `shop-git-main-acme`. Names are a pure function of the deployment, so a repeated step
 * makes the same ones. `host_label.ts` says how they tell their parts apart.
 *
 * @module
 */
import { Fault } from "../../../../pkg/fault/mod.ts";
import {
  hashedLabelOf,
  LABEL_CHARACTERS_MIN,
  labelOf,
  type LabelOwner,
  type LabelPlace,
  PRODUCTION_SLUG,
} from "./host_label.ts";

export { PRODUCTION_SLUG };

/** The scope whose newest deployment a name follows; `none` never moves, `custom` is a user's own name. */
export type Sticky = "none" | "branch" | "environment" | "live" | "custom";

/** One host name. */
export interface Domain {
  readonly hostname: string;
  readonly sticky: Sticky;
  /** Taken instead when `hostname` belongs to another deployment for ever. Only `none` has one. */
  readonly spare?: string;
}

/** Parts of names. Slugs are valid DNS labels already. */
export interface DomainParts {
  readonly deploymentId: string;
  readonly project: string;
  readonly environment: string;
  readonly workspace: string;
  /** E.g. `localhost`, without a leading dot. */
  readonly apex: string;
  /** Empty when it is not known. */
  readonly commitSha: string;
  /** Empty when it is not known. */
  readonly branch: string;
}

const LABEL_CHARACTERS_MAX = 63;
const NAME_CHARACTERS_MAX = 253;

/**
 * All names of a deployment, most specific first.
 *
 * @throws `failed_precondition` when the apex leaves no room for a label
 */
export function domainsOf(parts: DomainParts): readonly Domain[] {
  const { project, environment, branch, commitSha, deploymentId, apex } = parts;
  const place = { workspace: parts.workspace, charactersMax: roomBelow(apex) };
  const hostname = (owner: LabelOwner, label: (owner: LabelOwner, place: LabelPlace) => string = labelOf) =>
    `${label(owner, place)}.${apex}`.toLowerCase();
  const domains: Domain[] = [];
  if (commitSha !== "") {
    // The same commit can be deployed again with other files, so that its name is the deployment's.
    const owner = { kind: "commit", project, commitSha, deploymentId } as const;
    domains.push({ hostname: hostname(owner), sticky: "none", spare: hostname(owner, hashedLabelOf) });
  }
  if (branch !== "") {
    domains.push({ hostname: hostname({ kind: "branch", project, environment, branch }), sticky: "branch" });
  }
  domains.push({ hostname: hostname({ kind: "environment", project, environment }), sticky: "environment" });
  if (environment === PRODUCTION_SLUG) {
    domains.push({ hostname: hostname({ kind: "project", project }), sticky: "live" });
  }
  return domains;
}

function roomBelow(apex: string): number {
  const room = Math.min(LABEL_CHARACTERS_MAX, NAME_CHARACTERS_MAX - 1 - apex.length);
  if (room >= LABEL_CHARACTERS_MIN) return room;
  const text =
    `The default domain "${apex}" is too long: a name below it would exceed ${NAME_CHARACTERS_MAX} characters. ` +
    "The operator sets a shorter one.";
  throw new Fault("failed_precondition", text, { publicMessage: text });
}
