import assert from "node:assert/strict";
import { Secret } from "../../../pkg/config/mod.ts";
import { adminProbe, ingressProbe, restateClock } from "./restate.ts";

const { signal } = new AbortController();

interface Answers {
  readonly status?: number;
  readonly version?: string;
}

/** A Restate server that wants the token `t`. */
function serve({ status, version = "1.7.12" }: Answers) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, ({ url, headers }) => {
    if (status !== undefined) return new Response("", { status });
    if (headers.get("authorization") !== "Bearer t") return new Response("", { status: 401 });
    const answer = new URL(url).pathname === "/version" ? { version } : { deployments: [] };
    return Response.json(answer, { headers: { date: "Sat, 01 Jan 2028 00:00:00 GMT" } });
  });
}

const CASES: readonly {
  readonly name: string;
  readonly answers: Answers;
  readonly token: string;
  readonly admin: RegExp;
  readonly ingress: RegExp;
}[] = [
  {
    name: "right",
    answers: {},
    token: "t",
    admin: /^ok Restate 1\.7\.12 answers/,
    ingress: /^ok .* takes calls/,
  },
  {
    name: "a wrong token",
    answers: {},
    token: "x",
    admin: /^failed .* answered 401\. Give the token .* UNKEY_RESTATE_API_KEY/,
    ingress: /^failed .* answered 401\. Give the token .* UNKEY_RESTATE_API_KEY/,
  },
  {
    name: "another server",
    answers: { status: 404 },
    token: "t",
    admin: /^failed .* answered 404\. Check --restate-admin-url/,
    ingress: /^failed .* answered 404\. Check --restate-url/,
  },
  {
    name: "an old server",
    answers: { version: "1.4.3" },
    token: "t",
    admin: /^failed Restate 1\.4\.3 is too old\. Upgrade it to 1\.5/,
    ingress: /^ok/,
  },
];

Deno.test("Restate's two APIs are asked with the token, and each refusal names its setting", async (t) => {
  for (const { name, answers, token, admin, ingress } of CASES) {
    await t.step(name, async () => {
      await using server = serve(answers);
      const url = `http://127.0.0.1:${server.addr.port}`;
      const restateApiKey = new Secret(token);
      const there = { restateAdminUrl: url, restateRegisterAs: undefined, restateApiKey };
      const found = [
        await adminProbe(there).ask(signal),
        await ingressProbe({ restateUrl: url, restateApiKey }).ask(signal),
      ];
      const [first, second] = found.map(({ outcome, text, advice }) => [outcome, text, advice].join(" "));
      assert.match(first ?? "", admin);
      assert.match(second ?? "", ingress);
    });
  }
});

Deno.test("restateClock() reads the date of an answer", async () => {
  await using other = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    () => new Response("", { headers: { date: "Sat, 01 Jan 2028 00:00:00 GMT" } }),
  );
  const dated = restateClock({ restateUrl: `http://127.0.0.1:${other.addr.port}`, restateApiKey: undefined });
  assert.equal(await dated.read(signal), Date.UTC(2028, 0, 1));
});
