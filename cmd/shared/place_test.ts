import assert from "node:assert/strict";
import { UsageError } from "../../pkg/cli/mod.ts";
import { describePlace, type PlaceHints, placeOf, settingsFolder } from "./place.ts";

function fileAt(path: string, values: Readonly<Record<string, string>> = {}): PlaceHints["file"] {
  return { path, value: (key) => values[key], lineOf: () => 1 };
}

function place(hints: Partial<PlaceHints>) {
  const { file } = hints;
  const [context, dockerfile] = ["context", "dockerfile"].map((key) => file?.value(key));
  return placeOf({
    folder: undefined,
    context: typeof context === "string" ? context : undefined,
    dockerfile: typeof dockerfile === "string" ? dockerfile : undefined,
    file: undefined,
    cwd: "/repo/apps/api",
    ...hints,
  });
}

Deno.test("settingsFolder() is the folder that is named, or the current one when that is below it", () => {
  const cases: readonly (readonly [folder: string | undefined, cwd: string, want: string])[] = [
    [undefined, "/repo/apps/api", "/repo/apps/api"],
    [".", "/repo/apps/api", "/repo/apps/api"],
    ["../..", "/repo/apps/api", "/repo/apps/api"],
    ["/", "/repo", "/repo"],
    ["apps/api", "/repo", "/repo/apps/api"],
    ["../web", "/repo/apps/api", "/repo/apps/web"],
    ["/repo/app", "/repo/apps", "/repo/app"],
  ];
  for (const [folder, cwd, want] of cases) assert.equal(settingsFolder(folder, cwd), want);
});

Deno.test("placeOf() builds the folder that is named, else the context of unkey.json, else its folder", () => {
  const file = fileAt("/repo/apps/unkey.json", { context: "/repo" });
  assert.equal(place({}).folder, "/repo/apps/api");
  assert.equal(place({ folder: "../.." }).folder, "/repo");
  assert.equal(place({ file }).folder, "/repo");
  assert.equal(place({ file, context: ".." }).folder, "/repo/apps");
  assert.equal(place({ file, folder: "." }).folder, "/repo/apps/api");
  assert.equal(place({ file: fileAt("/repo/apps/unkey.json") }).folder, "/repo/apps");
});

Deno.test("placeOf() refuses two folders, but a named one goes before that of unkey.json", () => {
  const file = fileAt("/repo/unkey.json", { context: "/repo" });
  assert.equal(place({ file, folder: "src" }).folder, "/repo/apps/api/src");
  assert.throws(() => place({ file, folder: "src", context: "other" }), (error) => {
    return error instanceof UsageError && /named twice/.test(error.message);
  });
});

Deno.test("placeOf() takes a flag's Dockerfile as it is, and that of unkey.json beside it or in the context", () => {
  const file = fileAt("/repo/apps/api/unkey.json", { dockerfile: "/repo/apps/api/docker/Dockerfile" });
  assert.equal(place({ dockerfile: "./Dockerfile" }).dockerfile, "./Dockerfile");
  assert.equal(place({ file, dockerfile: "other" }).dockerfile, "other");
  assert.deepEqual(place({ file, folder: "/repo" }).dockerfile, [
    "/repo/apps/api/docker/Dockerfile",
    "/repo/docker/Dockerfile",
  ]);
  assert.equal(place({ file: fileAt("/repo/unkey.json") }).dockerfile, undefined);
});

Deno.test("placeOf() prefers the Dockerfile of the folder of unkey.json, and of the current one", () => {
  const file = fileAt("/repo/apps/unkey.json");
  assert.deepEqual(place({ file }).preferred, ["/repo/apps"]);
  assert.deepEqual(place({ file, folder: "/repo" }).preferred, ["/repo/apps/api", "/repo/apps"]);
  assert.deepEqual(place({ folder: "/repo" }).preferred, ["/repo/apps/api", "/repo/apps/api"]);
});

Deno.test("placeOf() names a project after the folder of unkey.json or the context, whichever is lower", () => {
  const inner = fileAt("/repo/apps/api/unkey.json");
  assert.equal(place({ file: inner, folder: "../.." }).home, "/repo/apps/api");
  assert.equal(place({ file: fileAt("/repo/unkey.json"), folder: "." }).home, "/repo/apps/api");
  assert.equal(place({ folder: "../.." }).home, "/repo");
});

Deno.test("describePlace() says what is built when that is not the current folder with its Dockerfile", () => {
  const cwd = "/repo/apps/api";
  const usual = { file: `${cwd}/Dockerfile`, name: "Dockerfile" };
  assert.equal(describePlace(place({}), usual, cwd), undefined);
  assert.equal(
    describePlace(place({ file: fileAt(`${cwd}/unkey.json`) }), usual, cwd),
    "settings of unkey.json",
  );
  assert.equal(
    describePlace(place({ file: fileAt("/repo/unkey.json"), folder: "/repo" }), {
      file: `${cwd}/Dockerfile`,
      name: "apps/api/Dockerfile",
    }, cwd),
    "settings of ../../unkey.json, folder ../.., Dockerfile Dockerfile",
  );
  assert.equal(
    describePlace(
      place({ folder: "../web" }),
      { file: "/repo/apps/web/Dockerfile", name: "Dockerfile" },
      cwd,
    ),
    "folder ../web",
  );
  assert.equal(
    describePlace(place({ folder: "../web" }), usual, cwd),
    "folder ../web, Dockerfile Dockerfile",
    "outside of the context",
  );
  assert.equal(describePlace(place({ dockerfile: "-" }), usual, cwd), "Dockerfile of standard input");
});
