import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { failure, startApi } from "../testing.ts";

const test = testOnCtrlDatabases();
const APPLIES = 6;

test("of applies at once that were planned on the same state, one makes its changes and the others none", async (db) => {
  await using api = await startApi({}, db);
  const { projectId, rootKey } = await api.tenant(newDnsName(10));
  const environments = api.client(EnvironmentService, rootKey);
  const where = { projectId, environmentSlug: "production" };
  const wish = (port: number) => ({
    ...where,
    wanted: { settings: { port }, variables: { PORT_NOW: `${port}` } },
  });
  const calls = Array.from({ length: APPLIES }, (_, at) => async () => {
    const { plan } = await environments.planEnvironment(wish(3000 + at));
    return { ...wish(3000 + at), fingerprint: plan?.fingerprint ?? "" };
  });
  const requests = await Promise.all(calls.map((call) => call()));
  const ends = await Promise.allSettled(requests.map((request) => environments.applyEnvironment(request)));
  const done = ends.flatMap(({ status }, at) => status === "fulfilled" ? [3000 + at] : []);
  assert.equal(done.length, 1, "one of them has changed what the others had planned on");
  for (const end of ends.filter((each) => each.status === "rejected")) {
    const { code, rawMessage } = await failure(Promise.reject(end.reason));
    assert.equal(code, Code.FailedPrecondition);
    assert.match(rawMessage, /not the plan that was shown/);
  }
  const { settings } = await environments.getAppSettings(where);
  assert.equal(settings?.port, done[0], "settings and variables are those of one apply");
  const { plan } = await environments.planEnvironment(wish(done[0] ?? 0));
  assert.deepEqual(plan?.changes, []);
  const { entries } = await api.client(AdminService, rootKey).listAuditLog({ action: "environment.apply" });
  assert.equal(entries.length, 1);
});
