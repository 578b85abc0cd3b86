/**
 * The host names of a deployment.
 *
 * ```ts
 * domainsOf({ project: "shop", environment: "production", workspace: "acme", apex: "localhost", ... });
 * // shop-git-0a1b2c3-4711-acme.localhost  none         this deployment for ever
 * // shop-git-main-acme.localhost          branch       newest of its branch
 * // shop-production-acme.localhost        environment  the live deployment
 * // shop-acme.localhost                   live         the same, for production only
 * ```
 *
 * Names are a pure function of the deployment, so a repeated step makes the same ones. Joining slugs with hyphens is
 * ambiguous; that two owners get the same name is possible, and is refused where routes are assigned.
 *
 * @module
 */
import { Fault } from "../../../../pkg/fault/mod.ts";
import { shortHash } from "../../../../pkg/hash/mod.ts";

/** The scope whose newest deployment a name follows; `none` never moves. */
export type Sticky = "none" | "branch" | "environment" | "live";

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
  /** True when the same commit can be deployed with other content, as an upload can: its name is then unique. */
  readonly upload: boolean;
}

/** The environment whose deployments also get the short, live name. */
export const PRODUCTION_SLUG = "production";

const LABEL_BYTES_MAX = 63;
const NAME_BYTES_MAX = 253;
const BRANCH_BYTES_MAX = 80;
const COMMIT_CHARACTERS = 7;
const HASH_CHARACTERS = 8;
/** Below this a label could not hold a hash and something to recognize it by. */
const LABEL_BYTES_MIN = HASH_CHARACTERS + 4;

/**
 * All names of a deployment, most specific first.
 *
 * @throws `failed_precondition` when the apex leaves no room for a label
 */
export function domainsOf(parts: DomainParts): readonly Domain[] {
  const { project, environment, workspace, apex } = parts;
  const name = (label: string): string => `${fit(label, apex)}.${apex}`.toLowerCase();
  const domains: Domain[] = [];
  if (parts.commitSha !== "") domains.push(commitDomain(parts, name));
  if (parts.branch !== "") {
    const branch = branchSlug(parts.branch) || hash(parts.branch);
    domains.push({ hostname: name(`${project}-git-${branch}-${workspace}`), sticky: "branch" });
  }
  domains.push({ hostname: name(`${project}-${environment}-${workspace}`), sticky: "environment" });
  if (environment === PRODUCTION_SLUG) {
    domains.push({ hostname: name(`${project}-${workspace}`), sticky: "live" });
  }
  return domains;
}

function commitDomain(parts: DomainParts, name: (label: string) => string): Domain {
  const { project, workspace, deploymentId } = parts;
  const commit = `${project}-git-${parts.commitSha.slice(0, COMMIT_CHARACTERS)}`;
  if (!parts.upload) return { hostname: name(`${commit}-${workspace}`), sticky: "none" };
  const number = parseInt(shortHash(deploymentId, 8), 16);
  return {
    hostname: name(`${commit}-${1000 + number % 9000}-${workspace}`),
    sticky: "none",
    spare: name(`${commit}-${hash(deploymentId)}-${workspace}`),
  };
}

/** A branch as part of a label: `feature/auth` is `feature-auth`. Empty when nothing in it can be shown. */
export function branchSlug(branch: string): string {
  const words = branch.trim().replace(/[^A-Za-z0-9\s]/g, " ").replace(/\s+/g, " ");
  return words.replaceAll(" ", "-").toLowerCase().slice(0, BRANCH_BYTES_MAX).replace(/-$/, "");
}

/** Cuts a label that is too long, and ends it with a hash of the whole, so that two long labels stay different. */
function fit(label: string, apex: string): string {
  const room = Math.min(LABEL_BYTES_MAX, NAME_BYTES_MAX - 1 - apex.length);
  if (room < LABEL_BYTES_MIN) {
    const text =
      `The default domain "${apex}" is too long: a name below it would exceed ${NAME_BYTES_MAX} characters. ` +
      "The operator sets a shorter one.";
    throw new Fault("failed_precondition", text, { publicMessage: text });
  }
  if (label.length <= room) return label;
  return `${label.slice(0, room - HASH_CHARACTERS - 1).replace(/-+$/, "")}-${hash(label)}`;
}

function hash(text: string): string {
  return shortHash(text, HASH_CHARACTERS);
}
