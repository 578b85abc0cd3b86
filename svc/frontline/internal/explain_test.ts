import assert from "node:assert/strict";
import type { FailureReport } from "../../../pkg/proxy/mod.ts";
import { explain } from "./explain.ts";

const REPORT: FailureReport = {
  kind: "unknown_host",
  detail: "No route.",
  id: "req_1",
  status: 404,
  method: "GET",
  host: "<b>.localhost",
  accept: undefined,
  upstream: undefined,
  cut: false,
  cause: "10.0.0.1:80: refused",
};

function header(answer: ReturnType<typeof explain>, name: string): string | undefined {
  return answer.headers.find(([each]) => each === name)?.[1];
}

Deno.test("explain() gives a program JSON with code, request id and what to do", () => {
  for (const accept of [undefined, "*/*", "application/json", "application/problem+json"]) {
    const answer = explain({ ...REPORT, accept });
    assert.equal(header(answer, "Content-Type"), "application/json; charset=utf-8");
    assert.deepEqual(JSON.parse(answer.body), {
      meta: { requestId: "req_1" },
      error: {
        status: 404,
        title: "Nothing is deployed here",
        type: "https://unkey.com/docs/errors/unkey/frontline/unknown_host",
        code: "unknown_host",
        detail:
          'No deployment answers for the host "<b>.localhost". Check the address. If the app is yours, ' +
          '"unkey list" shows your deployments and their hosts, and "unkey deploy" makes a new one.',
      },
    });
  }
});

Deno.test("explain() gives a browser a page in which nothing of the request is markup", () => {
  const answer = explain({ ...REPORT, accept: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8" });
  assert.equal(header(answer, "Content-Type"), "text/html; charset=utf-8");
  assert.match(answer.body, /^<!doctype html>/);
  assert.match(answer.body, /&#60;b&#62;\.localhost/);
  assert.ok(!answer.body.includes("<b>"));
  assert.match(answer.body, /unknown_host[^]*req_1/);
});

Deno.test("explain() gives text where text is accepted", () => {
  const answer = explain({ ...REPORT, accept: "text/plain" });
  assert.equal(header(answer, "Content-Type"), "text/plain; charset=utf-8");
  assert.match(answer.body, /^404 Nothing is deployed here\n/);
});

Deno.test("explain() sets Retry-After where another attempt can succeed", () => {
  assert.equal(header(explain({ ...REPORT, kind: "no_instance", status: 503 }), "Retry-After"), "5");
  assert.equal(header(explain(REPORT), "Retry-After"), undefined);
});

Deno.test("explain() never shows addresses of instances", () => {
  for (const accept of ["text/html", "application/json", "text/plain"]) {
    assert.ok(!explain({ ...REPORT, kind: "instance_unreachable", accept }).body.includes("10.0.0.1"));
  }
});
