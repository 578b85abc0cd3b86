/** The worker is killed before and after every step of a domain's way, on a real Restate server with a real DNS and authority. */
import assert from "node:assert/strict";
import { hasKnot } from "../../pkg/testkit/knot.ts";
import { hasPebble } from "../../pkg/testkit/pebble.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { CustomDomainService } from "../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { findCustomDomainById, findHeldHostname } from "../../svc/ctrl/internal/store/mod.ts";
import { SERVICE_TOKEN } from "../../svc/ctrl/services/testing.ts";
import { CertificateBed } from "../integration/certificate_bed.ts";
import { eventually } from "../testbed/wait.ts";
import { type Crash, StandbyWorker } from "./standby_worker.ts";

/** More steps than a check, its certificate and a sweep have. */
const STEPS_MAX = 60;

interface Stage {
  readonly bed: CertificateBed<StandbyWorker>;
  readonly domains: ReturnType<typeof domainsOf>;
  readonly live: string;
}

function domainsOf(bed: Stage["bed"], key: string) {
  return bed.api.client(CustomDomainService, key);
}

async function makeStage(bed: Stage["bed"]): Promise<Stage> {
  const { workspaceId } = bed.worker.seed;
  const admin = bed.api.client(AdminService, SERVICE_TOKEN);
  const { key } = await admin.createRootKey({ workspaceId, permissions: ["*"] });
  const live = await bed.worker.create();
  await bed.worker.workflows.submitDeploy(live);
  await bed.worker.until(live, "ready");
  return { bed, domains: domainsOf(bed, key), live };
}

/** Takes one domain from its record to its certificate; true when the worker died on the way. */
async function play(
  { bed, domains, live }: Stage,
  domain: string,
  crash: Crash | undefined,
): Promise<boolean> {
  const { worker, db, seed } = bed.worker;
  const { crashes } = worker;
  const { projectId } = seed;
  const added = await domains.addCustomDomain({ projectId, environmentSlug: "production", domain });
  const row = async () => await findCustomDomainById(db.kysely, added.domainId);
  await eventually("the first look", async () => ((await row())?.checks ?? 0) > 0, { everyMs: 10 });
  await bed.knot.set("example.com", domain, "CNAME", `${added.targetCname}.`);
  if (crash !== undefined) await worker.arm(crash);
  await domains.verifyCustomDomain({ projectId, domain });
  await eventually(`${domain} to be verified`, async () => (await row())?.status === "verified", {
    everyMs: 20,
  });
  await bed.issued(domain);
  const steps = crash === undefined ? 0 : await worker.calm();
  // A worker that dies in its very last step is seen a moment later.
  if (steps === undefined) await eventually("the next worker", () => worker.crashes > crashes);
  const where = `${domain}, ${JSON.stringify(crash)}`;
  const routes = await db.kysely.selectFrom("frontline_routes").select("deployment_id")
    .where("hostname", "=", domain).execute();
  assert.deepEqual(routes.map((each) => each.deployment_id), [live], where);
  const entries = await db.kysely.selectFrom("audit_log").select("action")
    .where("resource_id", "=", added.domainId).orderBy("action").execute();
  assert.deepEqual(entries.map(({ action }) => action), ["domain.add", "domain.verify"], where);
  assert.equal((await findHeldHostname(db.kysely, domain))?.domain_id, added.domainId, where);
  return worker.crashes > crashes;
}

Deno.test({
  name: "the worker dies before and after every step of a domain: one holder, one route, one certificate",
  ignore: !hasPebble() || !hasKnot(),
  fn: async () => {
    await using bed = await CertificateBed.start({ worker: (part) => new StandbyWorker(part) });
    const stage = await makeStage(bed);
    await play(stage, "calm.example.com", undefined);
    let cases = 0;
    for (const when of ["before", "after"] as const) {
      for (let at = 0; await play(stage, `${when}-${at}.example.com`, { at, when }); at++) {
        assert.ok(at < STEPS_MAX, "the domain never gets there without a crash");
        cases++;
      }
    }
    assert.ok(cases >= 20, `${cases} cases`);
  },
});
