import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { Secret } from "../secret/mod.ts";
import { openCloudflare } from "./mod.ts";
import { serve } from "./testing_server.ts";

const never = new AbortController().signal;
const record = { zone: "example.com", name: "_acme-challenge.example.com", value: "v-1" };

interface Stored {
  readonly id: string;
  readonly name: string;
  readonly content: string;
}

/** The part of the API that is used, as Cloudflare documents it. */
function cloudflare() {
  let records: Stored[] = [{ id: "other", name: record.name, content: '"of another"' }];
  const ok = (result: unknown) => Response.json({ success: true, errors: [], result });
  const server = serve(({ method, path, headers, body }) => {
    if (headers.get("authorization") !== "Bearer t0ken") {
      const errors = [{ code: 10000, message: "Authentication error" }];
      return Response.json({ success: false, errors, result: null }, { status: 403 });
    }
    if (path.startsWith("/zones?name=")) return ok(path === "/zones?name=example.com" ? [{ id: "z1" }] : []);
    if (method === "GET") return ok(records);
    if (method === "DELETE") {
      records = records.filter(({ id }) => !path.endsWith(`/${id}`));
      return ok({ id: "x" });
    }
    const { name, content, type, ttl } = JSON.parse(body);
    assert.deepEqual([type, ttl], ["TXT", 60]);
    if (records.some((each) => each.name === name && each.content === content)) {
      const errors = [{ code: 81058, message: "An identical record already exists." }];
      return Response.json({ success: false, errors, result: null }, { status: 400 });
    }
    records.push({ id: `r${records.length}`, name, content });
    return ok({ id: "x" });
  });
  return { server, contents: () => records.map(({ content }) => content) };
}

Deno.test("Cloudflare gets a record once, and loses no other", async () => {
  const { server, contents } = cloudflare();
  await using _ = server;
  const provider = openCloudflare({ token: new Secret("t0ken"), url: server.url });
  await provider.add(record, never);
  await provider.add(record, never);
  assert.deepEqual(contents(), ['"of another"', '"v-1"']);
  await provider.remove(record, never);
  await provider.remove(record, never);
  assert.deepEqual(contents(), ['"of another"']);
  await assert.rejects(
    provider.add({ ...record, zone: "other.test" }, never),
    (error) => isFault(error, "failed_precondition") && /no zone other\.test/.test(error.message),
  );
});

Deno.test("Cloudflare's refusals and its outages have different codes, and no text has the token", async () => {
  const { server } = cloudflare();
  await using _ = server;
  const wrong = openCloudflare({ token: new Secret("wrong-token"), url: server.url });
  await assert.rejects(
    wrong.add(record, never),
    (error) =>
      isFault(error, "failed_precondition") && /Authentication error \(10000\)/.test(error.message) &&
      !error.message.includes("wrong-token"),
  );
  await using broken = serve(() => new Response("<html>", { status: 502 }));
  await assert.rejects(
    openCloudflare({ token: new Secret("t"), url: broken.url }).add(record, never),
    (error) => isFault(error, "unavailable"),
  );
  const away = openCloudflare({ token: new Secret("t"), url: "http://127.0.0.1:1" });
  await assert.rejects(away.add(record, never), (error) => isFault(error, "unavailable"));
});
