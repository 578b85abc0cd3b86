import assert from "node:assert/strict";
import { type NotListening, notListeningText } from "./not_listening.ts";

function text(message: string, changes: Partial<NotListening> = {}, seconds = 60): string {
  const facts = { port: 8080, healthCheckPath: "" };
  return notListeningText({ ...facts, ...changes }, { seconds, message });
}

const UP = { healthCheckPath: "/up", healthCheckHost: "shop-acme.example.com" };

Deno.test("an app that nothing listens in learns of PORT, workers and slow starts", () => {
  assert.equal(
    text("The app does not listen (connection refused)."),
    "The app runs, but nothing listened on port 8080 within 60 s (connection refused). It must listen on " +
      "0.0.0.0:$PORT (PORT is 8080); listening on localhost only is not enough. A worker or cron job that " +
      "takes no requests needs no port: unkey deploy --health-check-type none. If it needs longer to start: unkey deploy --start-timeout 120s.",
  );
  assert.doesNotMatch(text("", {}, 540), /start-timeout/, "there is no longer time");
});

Deno.test("an image that names another port gets that hint and no other", () => {
  const found = text("", { exposedPorts: [3000] });
  assert.match(found, /deploy with --port 3000\.$/);
  assert.doesNotMatch(found, /worker|start-timeout/);
});

/** Before images were read, the same app ran on 8080. */
Deno.test("an app on the port that its image exposes learns how another one is set", () => {
  const hint = /Port 3000 is the one that the image exposes: .* deploy with --port, e\.g\. --port 8080\./;
  for (const path of ["", "/up"]) {
    assert.match(text("", { port: 3000, exposedPorts: [3000], healthCheckPath: path }), hint);
    assert.doesNotMatch(text("", { port: 3000, exposedPorts: [], healthCheckPath: path }), /EXPOSE|exposes/);
    assert.doesNotMatch(text("", { port: 8080, exposedPorts: [8080], healthCheckPath: path }), /exposes/);
  }
});

Deno.test("an app that refuses the host of its check learns which host that is", () => {
  for (const status of [400, 403, 421]) {
    assert.match(
      text(`It fails (it answered ${status}).`, UP),
      /The check names the host shop-acme\.example\.com: .* or all that end with \.example\.com\. Another one:/,
    );
  }
  assert.doesNotMatch(text("It fails (it answered 400).", { ...UP, healthCheckHost: "" }), /names the host/);
});

Deno.test("an app that answers gets no advice to listen, and only one that fails by itself may need longer", () => {
  const cases: [number, RegExp][] = [
    [
      401,
      /^That path must answer with 2xx or 3xx, without a login\. Another one: unkey deploy --health-check-path\.$/,
    ],
    [404, /^That path must answer with 2xx or 3xx\. Another one: unkey deploy --health-check-path\.$/],
    [503, /^That path must answer with 2xx or 3xx\. If it needs longer to start: .* 120s\.$/],
  ];
  for (const [status, expected] of cases) {
    const [, advice = ""] = text(`It fails (it answered ${status}).`, UP).split(`(it answered ${status}). `);
    assert.match(advice, expected, String(status));
  }
  assert.match(
    text("It fails (no answer within 5 s).", UP),
    /It must listen on 0\.0\.0\.0:\$PORT .* 2xx or 3xx\./,
  );
});

Deno.test("a failing HEALTHCHECK of the image is not reported as an app that does not listen", async (t) => {
  const healthCheck = { kind: "command", method: "", expectedStatus: "" } as const;
  const fails = "The app runs, but its health check, the command curl $(cat /at), fails";
  const cases: readonly [string, string, string][] = [
    ["with what the agent saw", `${fails} (exit code 7: no (such) host).`, " (exit code 7: no (such) host)"],
    ["without", `${fails}.`, ""],
  ];
  for (const [name, message, seen] of cases) {
    await t.step(name, () =>
      assert.equal(
        text(message, { healthCheck, exposedPorts: [3000] }),
        "The app runs, but its health check, the HEALTHCHECK of its image, did not succeed within 60 s" +
          `${seen}. Another one: unkey deploy --health-check-type port, or --health-check-path. If it needs ` +
          "longer to start: unkey deploy --start-timeout 120s.",
      ));
  }
  await t.step(
    "no longer time than the longest",
    () => assert.doesNotMatch(text(`${fails}.`, { healthCheck }, 540), /start-timeout/),
  );
});

Deno.test("the text names the method and the statuses that were set", async (t) => {
  const healthCheck = { kind: "http", method: "HEAD", expectedStatus: "200,204" } as const;
  const facts = { ...UP, healthCheck };
  await t.step(
    "the method",
    () => assert.match(text("It fails.", facts), /its health check HEAD \/up on port 8080/),
  );
  for (const status of [301, 404, 503]) {
    await t.step(String(status), () => {
      const found = text(`It fails (it answered ${status}).`, facts);
      assert.match(found, /That path must answer with 200,204/);
      assert.doesNotMatch(found, /2xx/);
    });
  }
  await t.step(
    "nothing listens",
    () => assert.match(text("It fails (connection refused).", facts), /answer that path with 200,204\./),
  );
  await t.step("what was not set", () => {
    const found = text("It fails (it answered 503).", {
      ...UP,
      healthCheck: { ...healthCheck, method: "", expectedStatus: "" },
    });
    assert.match(found, /check GET \/up .* answer with 2xx or 3xx\./);
  });
});
