/**
 * Labels of host names that tell their parts apart.
 *
 * Slugs joined by hyphens can be read in several ways: `a-b-git-c` is the branch `c` of the project `a-b`, or of the environment `b` of
 * the project `a`. Here each text has one reading: up to the first `-git-` it is a project, or a project and `production`; behind that
 * it is a commit with its number, or a branch. Parts whose text reads as they are get it as their label. All others get a hash of the
 * exact parts behind it, and a text that ends like one with a hash gets a hash, too. Hence no two branches share a label, and a branch
 * shares none with anything else.
 *
 * Two exceptions: the environment `eu` of `shop` and the project `shop-eu` have the same text without a branch, and the second of them is
 * refused when it is created. Two workspaces, of which one's slug ends with a hyphen and the other's, can have the same label, which is
 * refused where routes are assigned.
 */
import { shortHash } from "../../../../pkg/hash/mod.ts";

/** The owner of a label. */
export type LabelOwner =
  | { readonly kind: "project"; readonly project: string }
  | { readonly kind: "environment"; readonly project: string; readonly environment: string }
  | {
    readonly kind: "branch";
    readonly project: string;
    readonly environment: string;
    /** As git has it; not empty. */
    readonly branch: string;
  }
  | {
    readonly kind: "commit";
    readonly project: string;
    readonly commitSha: string;
    readonly deploymentId: string;
  };

/** The place of a label: the workspace that it ends with, and the room for it. */
export interface LabelPlace {
  readonly workspace: string;
  readonly charactersMax: number;
}

/** The environment whose deployments also get the short, live name. */
export const PRODUCTION_SLUG = "production";
/** The environment that names of branches leave out. */
export const PREVIEW_SLUG = "preview";

const GIT = "-git";
const HASH_CHARACTERS = 8;
const HASH_AT_END = new RegExp(`(?:^|-)[0-9a-f]{${HASH_CHARACTERS}}$`);
/** Text in front of a hash, so that people recognize a label. */
const HEAD_CHARACTERS_MIN = 4;
/** The least room that a label can have. */
export const LABEL_CHARACTERS_MIN = HASH_CHARACTERS + HEAD_CHARACTERS_MIN;
const SLUG_CHARACTERS_MAX = 80;
const COMMIT_CHARACTERS = 7;
const COMMIT_WITH_NUMBER = new RegExp(`^[0-9a-f]{${COMMIT_CHARACTERS}}-[0-9]{4}$`);

/** The label of an owner; a function of its parts alone. */
export function labelOf(owner: LabelOwner, place: LabelPlace): string {
  const text = textOf(owner);
  const label = `${text}-${place.workspace}`;
  const isPlain = label.length <= place.charactersMax && readsAs(owner, text) && !HASH_AT_END.test(text);
  return isPlain ? label : hashedLabelOf(owner, place);
}

/** The label of an owner that always has a hash. */
export function hashedLabelOf(owner: LabelOwner, { workspace, charactersMax }: LabelPlace): string {
  const text = textOf(owner);
  const hash = shortHash(JSON.stringify([workspace, ...identityOf(owner)]), HASH_CHARACTERS);
  const end = `-${hash}-${workspace}`;
  const room = charactersMax - end.length;
  if (room >= HEAD_CHARACTERS_MIN) return `${cut(text, room)}${end}`;
  return `${cut(`${text}-${workspace}`, charactersMax - hash.length - 1)}-${hash}`;
}

/** A branch as people recognize it in a label: `feature/auth` is `feature-auth`. Empty when nothing in it can be shown. */
export function branchSlug(branch: string): string {
  const plain = branch.normalize("NFKD").replace(/\p{Mark}/gu, "").toLowerCase();
  return cut(plain.split(/[^a-z0-9]+/).filter((word) => word !== "").join("-"), SLUG_CHARACTERS_MAX);
}

function textOf(owner: LabelOwner): string {
  const { project } = owner;
  switch (owner.kind) {
    case "project":
      return project;
    case "environment":
      return `${project}-${owner.environment}`;
    case "branch": {
      const slug = branchSlug(owner.branch);
      return `${prefixOf(owner)}${GIT}${slug === "" ? "" : `-${slug}`}`;
    }
    case "commit":
      return `${project}${GIT}-${shortCommit(owner.commitSha)}-${numberOf(owner.deploymentId)}`;
  }
}

function prefixOf({ project, environment }: Extract<LabelOwner, { kind: "branch" }>): string {
  return environment === PREVIEW_SLUG ? project : `${project}-${environment}`;
}

/** As git shows it; of anything but hexadecimal digits a hash. */
function shortCommit(sha: string): string {
  const isGit = new RegExp(`^[0-9a-fA-F]{${COMMIT_CHARACTERS},}$`).test(sha);
  return isGit ? sha.slice(0, COMMIT_CHARACTERS).toLowerCase() : shortHash(sha, COMMIT_CHARACTERS);
}

/** Four digits that tell deployments of the same commit apart, mostly. */
function numberOf(deploymentId: string): number {
  return 1000 + parseInt(shortHash(deploymentId, 8), 16) % 9000;
}

/** True when the one reading of the text is this owner. */
function readsAs(owner: LabelOwner, text: string): boolean {
  const prefixEnd = text.indexOf(`${GIT}-`);
  switch (owner.kind) {
    case "project":
    case "environment":
      return prefixEnd < 0;
    case "commit":
      return prefixEnd === owner.project.length;
    case "branch": {
      const { project, environment, branch } = owner;
      if (branchSlug(branch) !== branch || COMMIT_WITH_NUMBER.test(branch)) return false;
      if (prefixEnd !== prefixOf(owner).length) return false;
      return environment === PREVIEW_SLUG
        ? !project.endsWith(`-${PRODUCTION_SLUG}`)
        : environment === PRODUCTION_SLUG;
    }
  }
}

function identityOf(owner: LabelOwner): readonly string[] {
  const { kind, project } = owner;
  switch (kind) {
    case "project":
      return [kind, project];
    case "environment":
      return [kind, project, owner.environment];
    case "branch":
      return [kind, project, owner.environment, owner.branch];
    case "commit":
      return [kind, project, owner.deploymentId];
  }
}

/** At most so many characters, without a hyphen at the end. */
function cut(text: string, characters: number): string {
  return text.slice(0, characters).replace(/(?<!-)-+$/, "");
}
