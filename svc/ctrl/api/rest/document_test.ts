import { Validator } from "@seriousme/openapi-schema-validator";
import assert from "node:assert/strict";
import { SERVED } from "../mount.ts";
import { policyOf } from "../policies.ts";
import { startApi } from "../../services/testing.ts";
import { openApiDocument } from "./document.ts";
import { ROUTES } from "./routes.ts";
import { assertForm, valueAt } from "./testing.ts";

/** RPCs of root keys without a route, and the reason. */
const RPC_ONLY: Readonly<Record<string, string>> = {
  prepareContext: "uploads in chunks are a protocol of the command line",
  findMissingChunks: "uploads in chunks are a protocol of the command line",
  createPacks: "uploads in chunks are a protocol of the command line",
  commitPacks: "uploads in chunks are a protocol of the command line",
  commitContext: "uploads in chunks are a protocol of the command line",
  watchWorkspace: "it is the stream of a page: each of its parts has a route of its own",
  getDeploymentTrace: "traces are shown by the command line and the dashboard",
  createLoginCode: "login codes are a protocol of the command line",
  createLoginLink: "sessions are of browsers, and made by the command line",
  endSession: "a session that ends itself is a browser's",
  listSessions: "sessions are of browsers",
  revokeSession: "sessions are of browsers",
};

Deno.test("the document is valid OpenAPI 3.1", async () => {
  const result = await new Validator().validate(structuredClone(openApiDocument(ROUTES, "1.0.0")));
  assert.deepEqual([result.valid, result.errors], [true, undefined]);
});

Deno.test("each RPC of root keys has a route, or a reason to have none", () => {
  const routed = new Set(ROUTES.map(({ rpc }) => rpc));
  const open = SERVED.flatMap(({ methods }) => methods).filter((method) => {
    const { kind } = policyOf(method.parent, method);
    return (kind === "root_key" || kind === "workspace") && !routed.has(method);
  });
  assert.deepEqual(open.map(({ localName }) => localName).sort(), Object.keys(RPC_ONLY).sort());
});

Deno.test("examples have the form that they are examples of", async (t) => {
  const document = openApiDocument(ROUTES, "1.0.0");
  for (const { name, path, answers, streams, example, body } of ROUTES) {
    await t.step(name, () => {
      const post = ["paths", path, "post"];
      assertForm(example, [...post, "requestBody", "content", "application/json", "schema"]);
      assert.ok(body.safeParse(example).success);
      for (const [status, answer] of Object.entries(answers)) {
        const type = streams ? "application/x-ndjson" : "application/json";
        const at = [...post, "responses", status, "content", type];
        if (streams) assertForm(answer.example, [...at, "schema", "x-line"]);
        else assertForm(valueAt(document, [...at, "example"]), [...at, "schema"]);
      }
    });
  }
  const problems = Object.keys(Object(valueAt(document, ["components", "responses"])));
  for (const status of problems) {
    const at = ["components", "responses", status, "content", "application/json"];
    assertForm(valueAt(document, [...at, "example"]), [...at, "schema"]);
  }
});

Deno.test("no route is there twice, and each says what it needs", () => {
  assert.equal(new Set(ROUTES.map(({ name }) => name)).size, ROUTES.length);
  const document = openApiDocument(ROUTES, "1.0.0");
  for (const { path } of ROUTES) {
    assert.match(String(valueAt(document, ["paths", path, "post", "description"])), /^Needs .+\.$/);
  }
});

Deno.test("the api serves the document without credentials, and takes nothing else there", async () => {
  await using api = await startApi();
  const url = `${api.url}/v2/openapi.json`;
  const response = await fetch(url);
  assert.deepEqual([response.status, response.headers.get("content-type")], [200, "application/json"]);
  const served: unknown = await response.json();
  assert.deepEqual(valueAt(served, ["paths"]), openApiDocument(ROUTES, "dev")["paths"]);
  const refused = await fetch(url, { method: "POST", body: "{}" });
  assert.deepEqual([refused.status, refused.headers.get("allow")], [405, "GET"]);
  await refused.body?.cancel();
});
