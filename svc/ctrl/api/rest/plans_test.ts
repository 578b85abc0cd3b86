/** Plans and applies by REST: the answers are those of the document, and an apply does what its plan says. */
import assert from "node:assert/strict";
import { startApi } from "../../services/testing.ts";
import { checkedFetch } from "./testing.ts";

interface Answer {
  readonly data?: {
    readonly fingerprint: string;
    readonly changes: readonly { readonly setting: string; readonly action: string }[];
  };
  readonly error?: { readonly detail: string };
}

Deno.test("REST plans and applies, and refuses another plan than the one that is meant", async () => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const post = async (route: string, body: object, key = rootKey) => {
    const response = await checkedFetch(`${api.url}/v2/deploy.${route}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ projectId, environmentSlug: "production", ...body }),
    });
    const { data, error }: Answer = await response.json();
    return { status: response.status, data, detail: error?.detail ?? "" };
  };
  const wanted = {
    size: { memoryMib: 512 },
    settings: { port: 3000 },
    appProtocol: "h2c",
    variables: { TOKEN: "s3cret" },
    prune: true,
  };
  const planned = await post("planEnvironment", { wanted });
  assert.deepEqual(planned.data?.changes.map(({ setting, action }) => [setting, action]), [
    ["memory", "set"],
    ["port", "set"],
    ["variables.TOKEN", "set"],
  ]);
  const { fingerprint = "" } = planned.data ?? {};
  const other = await post("applyEnvironment", {
    wanted: { ...wanted, size: { memoryMib: 1024 } },
    fingerprint,
  });
  assert.equal(other.status, 412);
  assert.match(other.detail, /not the plan that was shown/);
  const applied = await post("applyEnvironment", { wanted, fingerprint });
  assert.deepEqual([applied.status, applied.data], [200, planned.data]);
  assert.deepEqual((await post("planEnvironment", { wanted })).data?.changes, []);

  const domains = await post("planEnvironment", { wanted: { domains: [{ domain: "a.example" }] } });
  assert.equal(domains.status, 412);
  const idle = await post("applyEnvironment", { wanted: { idleEndSeconds: 60 } });
  assert.equal(idle.status, 400);
  const stranger = await api.tenant("other");
  assert.equal((await post("planEnvironment", { wanted }, stranger.rootKey)).status, 404);
});
