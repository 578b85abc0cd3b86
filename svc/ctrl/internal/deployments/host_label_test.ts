import assert from "node:assert/strict";
import { branchSlug, hashedLabelOf, labelOf, type LabelOwner } from "./host_label.ts";

const ACME = { workspace: "acme", charactersMax: 63 };

function branchLabel(branch: string, environment = "preview", project = "shop"): string {
  return labelOf({ kind: "branch", project, environment, branch }, ACME);
}

Deno.test("branchSlug() makes the part of a label that its table says", async (t) => {
  const table: readonly (readonly [string, string])[] = [
    ["main", "main"],
    ["feature/auth", "feature-auth"],
    ["FEAT_x--y", "feat-x-y"],
    ["release/1.2.3", "release-1-2-3"],
    ["dependabot/npm_and_yarn/foo-1.0", "dependabot-npm-and-yarn-foo-1-0"],
    ["Ünïcode", "unicode"],
    ["héllo", "hello"],
    ["日本語", ""],
    ["日本-fix", "fix"],
    ["#123", "123"],
    ["-foo-", "foo"],
    ["  padded  ", "padded"],
    ["___", ""],
    ["", ""],
    ["a".repeat(100), "a".repeat(80)],
    [`${"a".repeat(79)}-b`, "a".repeat(79)],
  ];
  for (const [branch, slug] of table) {
    await t.step(`"${branch.slice(0, 40)}"`, () => assert.equal(branchSlug(branch), slug));
  }
});

/** A name in a bookmark or in a webhook's settings must not change with a new version. */
Deno.test("labels are those of the table, for ever", async (t) => {
  const table: readonly (readonly [LabelOwner, string])[] = [
    [{ kind: "project", project: "my-app" }, "my-app-acme"],
    [{ kind: "project", project: "my-git-server" }, "my-git-server-48816131-acme"],
    [{ kind: "environment", project: "my-app", environment: "eu-west" }, "my-app-eu-west-acme"],
    [branchOf("my-app", "preview", "main"), "my-app-git-main-acme"],
    [branchOf("my-app", "preview", "feature/auth"), "my-app-git-feature-auth-ae64bd12-acme"],
    [branchOf("my-app", "production", "main"), "my-app-production-git-main-acme"],
    [branchOf("my-app", "staging", "main"), "my-app-staging-git-main-f62ed51e-acme"],
    [branchOf("my-app", "preview", "日本語"), "my-app-git-4d23968d-acme"],
    [branchOf("my-app", "preview", "fix-0badcafe"), "my-app-git-fix-0badcafe-e6931eb6-acme"],
  ];
  for (const [owner, label] of table) {
    await t.step(label, () => assert.equal(labelOf(owner, ACME), label));
  }
});

function branchOf(project: string, environment: string, branch: string): LabelOwner {
  return { kind: "branch", project, environment, branch };
}

Deno.test("branches that differ in anything have labels of their own", () => {
  const branches = [
    ...["feat/a", "feat-a", "feat_a", "Feat-a", "feat--a", "feat-a-", "feat.a", "feat a", "féat-a"],
    ...[
      "Ünïcode",
      "Ünïcode".normalize("NFD"),
      "unicode",
      "日本語",
      "日本",
      "中文",
      "ελ",
      "🚀",
      "___",
      "...",
      "_",
    ],
    ...["a".repeat(80), "a".repeat(81), "a".repeat(200), `${"a".repeat(200)}b`],
  ];
  const labels = branches.map((branch) => branchLabel(branch));
  assert.equal(new Set(labels).size, labels.length, labels.join("\n"));
  assert.deepEqual(branches.map((branch) => branchLabel(branch)), labels, "and the same ones each time");
  assert.equal(branchLabel("feat-a"), "shop-git-feat-a-acme", "the one that needs no hash has none");
});

Deno.test("a branch has another label in each environment and project", () => {
  const [one, two] = [branchLabel("c", "b-c", "a"), branchLabel("c", "c", "a-b")];
  assert.notEqual(one, two);
  const owners = [
    branchLabel("main"),
    branchLabel("main", "production"),
    branchLabel("main", "staging"),
    branchLabel("main", "preview", "shop-production"),
    branchLabel("main", "preview", "shop-staging"),
    branchLabel("main", "production", "shop-production"),
    branchLabel("git-main"),
    branchLabel("main", "preview", "shop-git"),
    branchLabel("main", "preview", "shop-git-main"),
  ];
  assert.equal(new Set(owners).size, owners.length, owners.join("\n"));
});

/** A branch that is called like the name of a deployment would take it over. */
Deno.test("no branch has the label of a deployment, whatever project and commit that has", () => {
  for (const project of ["shop", "a-git-b", "git", "a-git", "a-production", "a-git-git-b"]) {
    for (const commitSha of ["0a1b2c3", "0A1B2C3D4E", "zzzzzzz", "abc", "release"]) {
      const label = labelOf({ kind: "commit", project, commitSha, deploymentId: "d_1" }, ACME);
      const text = label.replace(/-acme$/, "");
      for (let at = text.indexOf("-git-"); at > 0; at = text.indexOf("-git-", at + 1)) {
        for (const environment of ["preview", "production"]) {
          const owner = text.slice(0, at).replace(environment === "production" ? /-production$/ : "", "");
          const other = branchLabel(text.slice(at + "-git-".length), environment, owner);
          assert.notEqual(other, label, `${project} ${commitSha} ${owner} in ${environment}`);
        }
      }
    }
  }
});

/** A generator that repeats itself for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WORDS = [
  "a",
  "b",
  "git",
  "production",
  "preview",
  "main",
  "0a1b2c3",
  "4711",
  "0badcafe",
  "x".repeat(30),
];
const SEPARATORS = ["-", "-", "-", "/", "_", ".", "--", "Ü", "日", ""];

/** Owners of all kinds from few words, so that many of their texts are the same, and from labels of others. */
class Owners {
  readonly #random: () => number;
  /** Labels of earlier owners without their workspace, whole or in part. */
  readonly #seen: string[] = ["a"];

  constructor(seed: number) {
    this.#random = randomOf(seed);
  }

  saw(label: string): void {
    const tokens = label.replace(/-acme$/, "").split("-");
    const start = this.#below(tokens.length);
    const part = tokens.slice(start, start + 1 + this.#below(tokens.length - start)).join("-");
    if (/^[a-z0-9].*[a-z0-9]$/.test(part)) this.#seen[this.#below(200)] = part;
  }

  next(): LabelOwner {
    const project = this.#slug(63);
    const environment = this.#pick(["preview", "preview", "production", this.#environment()]);
    switch (this.#below(8)) {
      case 0:
        return { kind: "project", project };
      case 1:
        return { kind: "environment", project, environment };
      case 2: {
        const commitSha = this.#pick(["0a1b2c3", "0a1b2c3d4e5f", "0badcafe", "A1", "zzzzzzz"]);
        return { kind: "commit", project, commitSha, deploymentId: `d_${this.#below(1_000)}` };
      }
      default:
        return { kind: "branch", project, environment, branch: this.#name(SEPARATORS) };
    }
  }

  #environment(): string {
    const slug = this.#slug(40);
    return slug === "git" || slug.startsWith("git-") ? "staging" : slug;
  }

  #slug(charactersMax: number): string {
    return this.#name(["-", "-", "--"]).slice(0, charactersMax).replace(/-+$/, "");
  }

  #name(separators: readonly string[]): string {
    let name = this.#pick([this.#pick(WORDS), this.#pick(this.#seen) ?? "a"]);
    for (let words = this.#below(4); words > 0; words--) {
      name += this.#pick(separators) + this.#pick([this.#pick(WORDS), this.#pick(this.#seen) ?? "b"]);
    }
    return name;
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #pick<T>(values: readonly T[]): T {
    const value = values[this.#below(values.length)];
    return value ?? this.#pick(values.filter((each) => each !== undefined));
  }
}

/** The same text without a branch is refused when the second one is created. */
function mayShare(one: LabelOwner, two: LabelOwner): boolean {
  return isNamed(one) && isNamed(two);
}

function isNamed({ kind }: LabelOwner): boolean {
  return kind === "project" || kind === "environment";
}

/** The number of a commit's deployments is no part of the promise: a second one with the same number takes its spare label. */
function identity(owner: LabelOwner): string {
  return JSON.stringify(
    owner.kind === "commit" ? [owner.project, owner.commitSha.toLowerCase().slice(0, 7)] : owner,
  );
}

Deno.test("labels are shared by no two owners, however their names are chosen", async (t) => {
  for (const seed of [1, 2, 3, 4]) {
    await t.step(`seed ${seed}`, () => {
      const owners = new Owners(seed);
      const labels = new Map<string, LabelOwner>();
      let hashed = 0;
      for (let count = 0; count < 50_000; count++) {
        const owner = owners.next();
        const place = { ...ACME, charactersMax: count % 10 === 0 ? 20 : 63 };
        const label = labelOf(owner, place);
        assert.ok(label.length <= place.charactersMax, label);
        assert.match(label, /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/);
        if (place.charactersMax !== 63) continue;
        if (label === hashedLabelOf(owner, place)) hashed++;
        const other = labels.get(label);
        if (other !== undefined && identity(other) !== identity(owner) && !mayShare(owner, other)) {
          assert.fail(`${label} is shared by ${JSON.stringify(owner)} and ${JSON.stringify(other)}`);
        }
        labels.set(label, owner);
        owners.saw(label);
      }
      assert.ok(labels.size > 10_000 && hashed > 1_000 && hashed < 45_000, `${labels.size} ${hashed}`);
    });
  }
});
