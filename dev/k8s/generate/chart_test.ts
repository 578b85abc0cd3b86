import assert from "node:assert/strict";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { makeChart } from "./chart.ts";
import { staleFiles, writeChart } from "./main.ts";
import { readSources } from "./sources.ts";
import { SWITCHES, VALUES } from "./values.ts";

const sources = await readSources();
const chart = makeChart(sources);
const templates = [...chart].filter(([path]) => path.startsWith("templates/")).map(([, text]) => text).join(
  "\n",
);

function file(path: string): string {
  const text = chart.get(path);
  assert.ok(text !== undefined, `the chart has no ${path}`);
  return text;
}

/** The part of a tree at a key with dots. */
function at(tree: unknown, key: string): unknown {
  return key.split(".").reduce<unknown>((branch, part) => z.looseObject({}).parse(branch)[part], tree);
}

Deno.test("each value of the chart is read by a template, and has a default and a schema", () => {
  const values: unknown = parse(file("values.yaml"));
  const schema: unknown = JSON.parse(file("values.schema.json"));
  for (const { key } of [...VALUES, ...SWITCHES]) {
    assert.match(templates, new RegExp(`\\.Values\\.${key.replaceAll(".", "\\.")}\\b`), key);
    assert.notEqual(at(values, key), undefined, `${key} has no default`);
    assert.ok(at(schema, `properties.${key.replaceAll(".", ".properties.")}`), `${key} has no schema`);
  }
});

Deno.test("defaults of the chart are those of the manifests", () => {
  const values: unknown = parse(file("values.yaml"));
  assert.equal(at(values, "ctrlApi.replicas"), 2);
  assert.equal(at(values, "restate.storage.size"), "20Gi");
  assert.deepEqual(at(values, "image"), { repository: "registry.example.com/unkey", tag: "0.1.0" });
  assert.equal(at(values, "ctrlApi.advertiseUrl"), "http://$(POD_IP):7091");
  assert.equal(
    at(values, "config.krane.UNKEY_CONTROL_PLANE_URL"),
    "http://ctrl-api.{{ .Release.Namespace }}.svc:7091",
  );
});

Deno.test("no template depends on the version, the name or the time of a release: an upgrade changes what it must", () => {
  assert.doesNotMatch(
    templates,
    /\.Chart\b|\.Release\.(Name|Revision|IsInstall)\b|\brand|\bnow\b|genSelfSigned|lookup/,
  );
});

Deno.test("no template has a name of the manifests' own namespace", () => {
  const lines = templates.split("\n").filter((line) => !line.trim().startsWith("#"));
  // The cluster of Restate and the labels of the platform are called so everywhere.
  const allowed = /RESTATE_CLUSTER_NAME|unkey\.com\/|\bunkey admin\b|UNKEY_/;
  assert.deepEqual(lines.filter((line) => /\bunkey\b/.test(line) && !allowed.test(line)), []);
});

Deno.test("every object but the namespace has its condition or is always made", () => {
  const kinds = sources.objects.map(({ document }) => String(document.get("kind")));
  const made = templates.match(/^kind: .*$/gm)?.map((each) => each.slice(6)) ?? [];
  const config = [...sources.settings].map(() => "ConfigMap");
  assert.deepEqual(made.toSorted(), [...kinds.filter((each) => each !== "Namespace"), ...config].toSorted());
  const opened = templates.match(/\{\{- (if|range) /g)?.length;
  assert.equal(templates.match(/\{\{- end \}\}/g)?.length, opened);
});

Deno.test("a change of a manifest arrives in the chart", () => {
  const objects = sources.objects.map(({ file, document }) => ({ file, document: document.clone() }));
  const api = objects.find(({ file, document }) =>
    file === "ctrl-api.yaml" && document.get("kind") === "Deployment"
  );
  api?.document.setIn(["spec", "replicas"], 5);
  api?.document.setIn(["spec", "template", "spec", "terminationGracePeriodSeconds"], 77);
  const changed = makeChart({ ...sources, objects });
  assert.match(changed.get("values.yaml") ?? "", /ctrlApi:\n(.*\n)*? {2}replicas: 5\n/);
  assert.match(changed.get("templates/ctrl-api.yaml") ?? "", /terminationGracePeriodSeconds: 77/);
});

Deno.test("a value without a place in the manifests is an error, not a value that does nothing", () => {
  const objects = sources.objects.filter(({ document }) =>
    document.getIn(["metadata", "name"]) !== "frontline"
  );
  assert.throws(() => makeChart({ ...sources, objects }), /no manifest has a place for image|frontline/);
});

Deno.test("a chart that was changed by hand is found", async () => {
  const path = await Deno.makeTempDir({ prefix: "unkey-chart-" });
  const folder = new URL(`file://${path}/`);
  try {
    await writeChart(folder);
    assert.deepEqual(await staleFiles(folder), []);
    await Deno.writeTextFile(`${path}/templates/mine.yaml`, "kind: Secret\n");
    await Deno.writeTextFile(`${path}/values.yaml`, "image: {}\n");
    await Deno.remove(`${path}/Chart.yaml`);
    assert.deepEqual(await staleFiles(folder), ["Chart.yaml", "templates/mine.yaml", "values.yaml"]);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

Deno.test("Chart.yaml has the version of the program", () => {
  const { version, appVersion } = z.object({ version: z.string(), appVersion: z.string() }).parse(
    parseAllDocuments(file("Chart.yaml"))[0]?.toJS(),
  );
  assert.equal(version, appVersion);
});
