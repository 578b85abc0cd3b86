import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { Secret } from "../secret/mod.ts";
import { openCloudflare } from "./mod.ts";
import { type Received, serve } from "./testing_server.ts";

const never = new AbortController().signal;
const record = { zone: "example.com", name: "_acme-challenge.example.com", value: "v-1" };
const ok = (result: unknown) => Response.json({ success: true, errors: [], result });

/** Answers for the zone; `rest` has the other requests. */
function cloudflare(rest: (request: Received) => Response) {
  return serve((request) => request.path.startsWith("/zones?") ? ok([{ id: "z1" }]) : rest(request));
}

function open(url: string) {
  return openCloudflare({ token: new Secret("t0ken"), url });
}

Deno.test("a failure of Cloudflare is final or not, by its status", async (t) => {
  const cases: readonly (readonly [number, "unavailable" | "failed_precondition"])[] = [
    [400, "failed_precondition"],
    [403, "failed_precondition"],
    [404, "failed_precondition"],
    [429, "unavailable"],
    [500, "unavailable"],
    [503, "unavailable"],
  ];
  for (const [status, code] of cases) {
    await t.step(`${status}`, async () => {
      const errors = [{ code: 1, message: "first" }, { code: 2, message: "second" }];
      await using server = cloudflare(() =>
        Response.json({ success: false, errors, result: null }, { status })
      );
      await assert.rejects(
        open(server.url).add(record, never),
        (error) => isFault(error, code) && error.message.includes(`${status}: first (1); second (2)`),
      );
    });
  }
});

Deno.test("an answer that is not Cloudflare's is an outage, also with a good status", async (t) => {
  const cases: Readonly<Record<string, () => Response>> = {
    "a page": () => new Response("<html>"),
    "no envelope": () => Response.json([]),
    "no success": () => Response.json({ success: false, errors: [], result: null }),
    "another place": () => Response.redirect("http://127.0.0.1:1/", 302),
    "more than a megabyte": () => new Response("x".repeat(1_000_001)),
  };
  for (const [name, answer] of Object.entries(cases)) {
    await t.step(name, async () => {
      await using server = cloudflare(answer);
      await assert.rejects(open(server.url).add(record, never), (error) => isFault(error, "unavailable"));
    });
  }
});

Deno.test("only records with the very value are taken away", async () => {
  const contents = ['"v-1"', "v-1", '"v-1 "', '"v-10"', '"of another"'];
  await using server = cloudflare(({ method }) =>
    method === "GET" ? ok(contents.map((content, index) => ({ id: `r${index}`, content }))) : ok({})
  );
  await open(server.url).remove(record, never);
  assert.deepEqual(server.seen.filter((each) => each.startsWith("DELETE")), [
    "DELETE /zones/z1/dns_records/r0",
    "DELETE /zones/z1/dns_records/r1",
  ]);
});

/** Two attempts may clean up at once; the second finds the record gone. */
Deno.test("a record that another took away in between is no failure", async () => {
  const errors = [{ code: 81044, message: "Record does not exist." }];
  await using server = cloudflare(({ method }) =>
    method === "GET"
      ? ok([{ id: "r1", content: '"v-1"' }])
      : Response.json({ success: false, errors, result: null }, { status: 404 })
  );
  await open(server.url).remove(record, never);
});

/** A name comes from an alias that a user controls. */
Deno.test("names are values of the questions, never parts of them", async () => {
  await using server = serve(({ path }) => path.startsWith("/zones?") ? ok([{ id: "z1" }]) : ok([]));
  await open(server.url).remove({ zone: "a&status=x.test", name: "b#&name=c.test", value: "v" }, never);
  assert.deepEqual(server.seen, [
    "GET /zones?name=a%26status%3Dx.test",
    "GET /zones/z1/dns_records?type=TXT&name=b%23%26name%3Dc.test",
  ]);
});

Deno.test("a zone with a strange id is no zone", async (t) => {
  for (const id of ["../accounts", "", "a/b", "z".repeat(65)]) {
    await t.step(`"${id}"`, async () => {
      await using server = serve(() => ok([{ id }]));
      await assert.rejects(
        open(server.url).add(record, never),
        (error) => isFault(error, "failed_precondition") && /has no zone/.test(error.message),
      );
      assert.equal(server.seen.length, 1);
    });
  }
});
