import type { GitOptions } from "./types.ts";

/** The commit that a CI system builds, by its variables. */
export interface CiCommit {
  readonly branch: string | undefined;
  readonly sha: string | undefined;
}

/** Branches by variable: the source of a pull request goes before the branch that it would be merged into. */
const BRANCHES: readonly (readonly [variable: string, unlessTag?: string])[] = [
  ["GITHUB_HEAD_REF"],
  ["GITHUB_REF_NAME", "GITHUB_REF_TYPE"],
  ["CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"], // GitLab
  ["CI_COMMIT_SOURCE_BRANCH"], // Woodpecker
  ["CI_COMMIT_REF_NAME", "CI_COMMIT_TAG"], // GitLab
  ["CI_COMMIT_BRANCH"], // GitLab, Woodpecker
  ["CHANGE_BRANCH"], // Jenkins
  ["BRANCH_NAME", "TAG_NAME"], // Jenkins
  ["GIT_LOCAL_BRANCH"], // Jenkins
  ["GIT_BRANCH"], // Jenkins
  ["BITBUCKET_BRANCH"],
  ["SYSTEM_PULLREQUEST_SOURCEBRANCH"], // Azure
  ["BUILD_SOURCEBRANCH"], // Azure
  ["CIRCLE_BRANCH"],
  ["DRONE_SOURCE_BRANCH", "DRONE_TAG"],
  ["DRONE_BRANCH", "DRONE_TAG"],
  ["TRAVIS_PULL_REQUEST_BRANCH"],
  ["TRAVIS_BRANCH", "TRAVIS_TAG"],
  ["BUILDKITE_BRANCH", "BUILDKITE_TAG"],
];

const COMMITS = [
  "GITHUB_SHA",
  "CI_COMMIT_SHA", // GitLab, Woodpecker
  "GIT_COMMIT", // Jenkins
  "BITBUCKET_COMMIT",
  "BUILD_SOURCEVERSION", // Azure
  "CIRCLE_SHA1",
  "DRONE_COMMIT_SHA",
  "TRAVIS_PULL_REQUEST_SHA",
  "TRAVIS_COMMIT",
  "BUILDKITE_COMMIT",
  "BUILD_VCS_NUMBER", // TeamCity
];

const PROPERTIES_BYTES_MAX = 1024 * 1024;

/** Reads what GitHub, GitLab, Jenkins, Bitbucket, Azure, CircleCI, Drone, Woodpecker, Travis, Buildkite and TeamCity say. */
export async function commitOfCi({ env }: GitOptions): Promise<CiCommit> {
  return { branch: branchOfVariables(env) ?? await branchOfTeamCity(env), sha: shaOfVariables(env) };
}

function branchOfVariables(env: GitOptions["env"]): string | undefined {
  for (const [variable, unlessTag] of BRANCHES) {
    const branch = branchName(env(variable));
    if (branch !== undefined && !isTag(unlessTag, env)) return branch;
  }
  return undefined;
}

function isTag(variable: string | undefined, env: GitOptions["env"]): boolean {
  const value = variable === undefined ? "" : env(variable) ?? "";
  return variable === "GITHUB_REF_TYPE" ? value === "tag" : value !== "";
}

/** A branch as its users write it. References of tags, of pull requests and of no branch are none. */
function branchName(value: string | undefined): string | undefined {
  const name = (value ?? "").trim().replace(/^refs\/heads\//, "").replace(/^(refs\/remotes\/)?origin\//, "");
  if (name === "" || name === "HEAD" || name === "detached" || name.startsWith("refs/")) return undefined;
  return /^(pull\/)?\d+\/(merge|head)$/.test(name) ? undefined : name;
}

function shaOfVariables(env: GitOptions["env"]): string | undefined {
  return COMMITS.map((name) => env(name)?.trim().toLowerCase())
    .find((value) => value !== undefined && /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(value));
}

/** TeamCity has no variable for it: a properties file names another one, which has it. */
async function branchOfTeamCity(env: GitOptions["env"]): Promise<string | undefined> {
  const file = env("TEAMCITY_BUILD_PROPERTIES_FILE");
  const build = file === undefined ? new Map<string, string>() : await readProperties(file);
  const next = build.get("teamcity.configuration.properties.file");
  const properties = next === undefined ? build : await readProperties(next);
  const branch = branchName(
    properties.get("teamcity.pullRequest.source.branch") ?? properties.get("teamcity.build.branch"),
  );
  return branch === "<default>" ? undefined : branch;
}

/** The `key=value` lines of a Java properties file, with its escapes of one character. */
async function readProperties(path: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  try {
    if ((await Deno.stat(path)).size > PROPERTIES_BYTES_MAX) return found;
    for (const line of (await Deno.readTextFile(path)).split(/\r?\n/)) {
      const [, key, value] = line.match(/^\s*([^#!=\s][^=]*?)\s*=\s*(.*)$/) ?? [];
      if (key !== undefined && value !== undefined) found.set(key, value.replaceAll(/\\(.)/g, "$1"));
    }
  } catch {
    // Written by the build server; without it the branch is not known.
  }
  return found;
}
