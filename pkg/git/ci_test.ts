import assert from "node:assert/strict";
import { commitOfCi } from "./ci.ts";

const SHA = "89abcdef".repeat(5);
const signal = new AbortController().signal;
const read = (variables: Record<string, string>) => commitOfCi({ env: (name) => variables[name], signal });

const CASES: Readonly<
  Record<string, readonly [variables: Record<string, string>, branch: string | undefined]>
> = {
  "GitHub, push": [{ GITHUB_REF_NAME: "main", GITHUB_REF_TYPE: "branch", GITHUB_HEAD_REF: "" }, "main"],
  "GitHub, pull request": [
    { GITHUB_REF_NAME: "12/merge", GITHUB_HEAD_REF: "feature/login" },
    "feature/login",
  ],
  "GitHub, tag": [{ GITHUB_REF_NAME: "v1.0.0", GITHUB_REF_TYPE: "tag" }, undefined],
  "GitLab, push": [{ CI_COMMIT_REF_NAME: "topic", CI_COMMIT_BRANCH: "topic" }, "topic"],
  "GitLab, merge request": [{
    CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: "topic",
    CI_COMMIT_REF_NAME: "refs/merge-requests/1/head",
  }, "topic"],
  "GitLab, tag": [{ CI_COMMIT_REF_NAME: "v1.0.0", CI_COMMIT_TAG: "v1.0.0" }, undefined],
  "Jenkins, multibranch": [
    { BRANCH_NAME: "feature/login", GIT_BRANCH: "origin/feature/login" },
    "feature/login",
  ],
  "Jenkins, pull request": [{ BRANCH_NAME: "PR-7", CHANGE_BRANCH: "feature/login" }, "feature/login"],
  "Jenkins, git plugin": [{ GIT_BRANCH: "origin/feature/login" }, "feature/login"],
  "Jenkins, detached": [{ GIT_BRANCH: "detached" }, undefined],
  "Bitbucket": [{ BITBUCKET_BRANCH: "topic" }, "topic"],
  "Azure, push": [{ BUILD_SOURCEBRANCH: "refs/heads/feature/a" }, "feature/a"],
  "Azure, pull request": [{
    BUILD_SOURCEBRANCH: "refs/pull/4/merge",
    SYSTEM_PULLREQUEST_SOURCEBRANCH: "refs/heads/feature/a",
  }, "feature/a"],
  "Azure, tag": [{ BUILD_SOURCEBRANCH: "refs/tags/v1" }, undefined],
  "CircleCI": [{ CIRCLE_BRANCH: "topic" }, "topic"],
  "Drone, pull request": [{ DRONE_BRANCH: "main", DRONE_SOURCE_BRANCH: "topic" }, "topic"],
  "Drone, tag": [{ DRONE_BRANCH: "main", DRONE_TAG: "v1" }, undefined],
  "Woodpecker, pull request": [{ CI_COMMIT_BRANCH: "main", CI_COMMIT_SOURCE_BRANCH: "topic" }, "topic"],
  "Travis, pull request": [{ TRAVIS_BRANCH: "main", TRAVIS_PULL_REQUEST_BRANCH: "topic" }, "topic"],
  "Travis, tag": [{ TRAVIS_BRANCH: "v1", TRAVIS_TAG: "v1" }, undefined],
  "Buildkite": [{ BUILDKITE_BRANCH: "topic" }, "topic"],
  "none": [{ CI: "true" }, undefined],
};

Deno.test("commitOfCi() names the branch of each CI system, and none for a tag", async (t) => {
  for (const [name, [variables, branch]] of Object.entries(CASES)) {
    await t.step(name, async () => assert.equal((await read(variables)).branch, branch));
  }
});

Deno.test("commitOfCi() takes a commit only when it is a full hash", async () => {
  assert.equal((await read({ BUILDKITE_COMMIT: "HEAD" })).sha, undefined);
  assert.equal((await read({ BUILDKITE_COMMIT: "HEAD", BUILD_VCS_NUMBER: SHA })).sha, SHA);
});

Deno.test("commitOfCi() reads the branch from TeamCity's properties files", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-git-" });
  try {
    const [build, configuration] = [`${folder}/build.properties`, `${folder}/configuration.properties`];
    await Deno.writeTextFile(
      build,
      `# made by the agent\nteamcity.configuration.properties.file=${configuration}\n`,
    );
    await Deno.writeTextFile(configuration, "teamcity.build.branch=refs/heads/feature\\=login\n");
    assert.equal((await read({ TEAMCITY_BUILD_PROPERTIES_FILE: build })).branch, "feature=login");
    assert.equal((await read({ TEAMCITY_BUILD_PROPERTIES_FILE: `${folder}/none` })).branch, undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
