import assert from "node:assert/strict";
import { access, NOW, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";

Deno.test("status names certificates that do not come, and is silent about those that do", async () => {
  const certificate = (hostname: string, more: object = {}) => ({
    hostname,
    notAfter: 0n,
    failures: 0,
    problem: "",
    nextAttemptAt: BigInt(NOW - 1_000),
    late: false,
    ...more,
  });
  const problem = "The answer over HTTP was not accepted:\nstatus 404";
  const certificates = [
    certificate("ordered.example.com"),
    certificate("new.example.com", { failures: 3, problem, nextAttemptAt: BigInt(NOW + 600_000) }),
    certificate("*.old.example.com", { notAfter: BigInt(NOW + 9 * 86_400_000), late: true }),
    certificate("ended.example.com", { notAfter: BigInt(NOW - 7_200_000), failures: 9, late: true }),
  ];
  await using api = await startControlPlane({ admin: { getStatus: () => ({ regions: [], certificates }) } });
  const { stdout } = await unkey(["status"], { env: access(api.url) });
  assert.ok(
    stdout.endsWith(`
new.example.com has no certificate yet: The answer over HTTP was not accepted: status 404 (next attempt in 10m)
*.old.example.com has a certificate that ends in 9d and is not renewed yet
ended.example.com has a certificate that ended 2h ago
`),
    stdout,
  );
  const json = onlyJson(await unkey(["status", "--json"], { env: access(api.url) }));
  assert.ok(
    typeof json === "object" && json !== null && "certificates" in json && Array.isArray(json.certificates),
  );
  assert.deepEqual(json.certificates[0], {
    hostname: "ordered.example.com",
    failures: 0,
    nextAttemptAt: NOW - 1_000,
    late: false,
  });
  assert.deepEqual(json.certificates.map(({ late }: { late: boolean }) => late), [false, false, true, true]);
});
