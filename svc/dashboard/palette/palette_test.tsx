/** Entries of the palette, and their list as text. */
import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import { EnvironmentSchema, ProjectSchema } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentSchema, DeploymentStatus } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { routeOf } from "../api/router.ts";
import { deploymentEntry, environmentEntries, matching, PAGES } from "./entries.ts";
import type { Entry } from "./entry.ts";
import { nextPlace, PaletteList } from "./palette.tsx";

const PROJECT = create(ProjectSchema, { id: "proj_1", slug: "shop" });
const DEPLOYMENT = deploymentEntry(create(DeploymentSchema, {
  id: "d_1",
  projectSlug: "shop",
  environmentSlug: "production",
  status: DeploymentStatus.FAILED,
  gitCommitMessage: `cart: <img src=x> keep\n\nmore`,
}));
const ENTRIES: readonly Entry[] = [
  ...PAGES,
  ...environmentEntries(PROJECT, create(EnvironmentSchema, { slug: "production" })),
  DEPLOYMENT,
];

Deno.test("each entry leads to a page that there is, and has its command", () => {
  for (const { title, command, does } of ENTRIES) {
    assert.ok(does.kind === "go");
    const [pathname = "", search = ""] = does.path.split("?");
    assert.notEqual(routeOf(pathname, "", search).page, "missing", title);
    assert.match(command, /^unkey [a-z]+/);
  }
});

Deno.test("entries are found by all of their words in any case, the begin of a title first", () => {
  const titles = (text: string): string[] => matching(ENTRIES, text).map(({ title }) => title);
  assert.deepEqual(titles("LOGS"), ["Logs", "shop production logs"]);
  assert.deepEqual(titles("prod metr"), ["shop production metrics"]);
  assert.deepEqual(titles("cart failed"), [DEPLOYMENT.title]);
  assert.deepEqual(titles("unkey status d_1"), [DEPLOYMENT.title]);
  assert.deepEqual(titles("nothing of it"), []);
  assert.equal(matching(Array.from({ length: 200 }, () => DEPLOYMENT), "").length, 50);
});

Deno.test("arrow keys go round the list, and other keys do nothing", () => {
  assert.deepEqual([nextPlace("ArrowDown", 0, 3), nextPlace("ArrowDown", 2, 3), nextPlace("ArrowUp", 0, 3)], [
    1,
    0,
    2,
  ]);
  assert.deepEqual([nextPlace("PageDown", 0, 30), nextPlace("PageUp", 5, 30)], [10, 0]);
  assert.deepEqual([nextPlace("a", 0, 3), nextPlace("ArrowDown", 0, 0)], [undefined, undefined]);
});

Deno.test("the list names the chosen entry to screen readers, and shows its command", () => {
  const html = renderToString(<PaletteList entries={ENTRIES} onChoose={() => undefined} />);
  const id = /aria-activedescendant="([^"]+)"/.exec(html)?.[1];
  assert.ok(id !== undefined && html.includes(`id="${id}" role="option" aria-selected="true"`), html);
  assert.match(html, /aria-label="Copy the command unkey list"/);
  assert.ok(!html.includes("<img"));
});
