/** The data of an environment's page, from a control plane that answers as it is asked. */
import { create } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createClient,
  createRouterTransport,
  type ServiceImpl,
} from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService, EnvironmentSchema, ProjectSchema } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { CronService } from "../../../proto/gen/ctrl/v1/cron_pb.ts";
import { CustomDomainService } from "../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { DeploymentSchema, DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { createApi } from "../api/clients.ts";
import { readEnvironment } from "./read.ts";

const PLACE = { projectId: "proj_1", environmentSlug: "production" };
const SIGNAL = new AbortController().signal;

interface Answers {
  readonly admin?: Partial<ServiceImpl<typeof AdminService>>;
  readonly deployments?: Partial<ServiceImpl<typeof DeploymentService>>;
  readonly domains?: Partial<ServiceImpl<typeof CustomDomainService>>;
}

/** A control plane with one environment, whose live deployment is d_live. */
function apiOf({ admin = {}, deployments = {}, domains = {} }: Answers = {}) {
  const transport = createRouterTransport((router) => {
    router.service(AdminService, {
      listProjects: () => ({ projects: [create(ProjectSchema, { id: "proj_1", slug: "shop" })] }),
      listEnvironments: () => ({
        environments: [
          create(EnvironmentSchema, { id: "env_1", slug: "production", liveDeploymentId: "d_live" }),
          create(EnvironmentSchema, { id: "env_2", slug: "preview" }),
        ],
      }),
      listEnvironmentVariables: () => ({ variables: [{ key: "TOKEN" }] }),
      ...admin,
    });
    router.service(DeploymentService, {
      listDeployments: () => ({ deployments: [create(DeploymentSchema, { id: "d_new" })] }),
      getDeployment: ({ deploymentId }) => ({ deployment: create(DeploymentSchema, { id: deploymentId }) }),
      listSwitches: () => ({}),
      listGradualSwitches: () => ({ gradualSwitches: [{ id: "gs_1" }] }),
      listRuns: () => ({}),
      listInstanceEvents: () => ({}),
      ...deployments,
    });
    router.service(CronService, { listCrons: () => ({ crons: [{ name: "b" }, { name: "a" }] }) });
    router.service(CustomDomainService, {
      listCustomDomains: () => ({ domains: [{ domain: "shop.example.com" }] }),
      ...domains,
    });
  });
  const page = { visibilityState: "hidden", addEventListener: () => undefined } as const;
  return {
    ...createApi("http://dashboard.localhost", page, { now: () => 0 }),
    admin: createClient(AdminService, transport),
    crons: createClient(CronService, transport),
    deployments: createClient(DeploymentService, transport),
    domains: createClient(CustomDomainService, transport),
  };
}

Deno.test("an environment is read with its live deployment, however old that is", async () => {
  const shown = await readEnvironment(apiOf(), PLACE, SIGNAL);
  assert.deepEqual([shown.project.slug, shown.environment.id, shown.live?.id], ["shop", "env_1", "d_live"]);
  assert.deepEqual(shown.deployments.map(({ id }) => id), ["d_new"]);
  assert.deepEqual(shown.graduals.map(({ id }) => id), ["gs_1"]);
  assert.deepEqual(shown.crons.map(({ name }) => name), ["a", "b"], "in the order of their names");
  assert.deepEqual(shown.variables?.map(({ key }) => key), ["TOKEN"]);
});

Deno.test("an environment without a live deployment has neither it nor its changes of scale", async () => {
  const listInstanceEvents = () => {
    throw new ConnectError("there is no deployment to ask about", Code.Internal);
  };
  const api = apiOf({ deployments: { listInstanceEvents } });
  const shown = await readEnvironment(api, { ...PLACE, environmentSlug: "preview" }, SIGNAL);
  assert.deepEqual([shown.live, shown.scalings], [undefined, []]);
});

Deno.test("an environment that is not there is not found", async () => {
  await assert.rejects(
    readEnvironment(apiOf(), { ...PLACE, environmentSlug: "staging" }, SIGNAL),
    /There is no environment "staging" in this project/,
  );
});

Deno.test("parts that the key may not see are absent, and any other failure is one", async () => {
  const refuse = (code: Code) => () => {
    throw new ConnectError("no", code);
  };
  const denied = {
    admin: { listEnvironmentVariables: refuse(Code.PermissionDenied) },
    domains: { listCustomDomains: refuse(Code.PermissionDenied) },
  };
  const shown = await readEnvironment(apiOf(denied), PLACE, SIGNAL);
  assert.deepEqual([shown.variables, shown.domains], [undefined, undefined]);
  const failing = apiOf({ domains: { listCustomDomains: refuse(Code.Unavailable) } });
  await assert.rejects(readEnvironment(failing, PLACE, SIGNAL), /no/);
});

Deno.test("only runs of crons and changes of scale are kept, newest first and bounded", async () => {
  const runs = Array.from({ length: 40 }, (_, n) => ({ id: `run_${n}`, cron: n % 2 === 0 ? "cleanup" : "" }));
  const events = Array.from({ length: 20 }, (_, n) => ({
    kind: n % 2 === 0 ? "scaled" : "ended",
    lastAt: BigInt(n),
  }));
  const api = apiOf({ deployments: { listRuns: () => ({ runs }), listInstanceEvents: () => ({ events }) } });
  const shown = await readEnvironment(api, PLACE, SIGNAL);
  assert.deepEqual(shown.runs.map(({ id }) => id).slice(0, 3), ["run_0", "run_2", "run_4"]);
  assert.equal(shown.runs.length, 10);
  assert.deepEqual(shown.scalings.map(({ lastAt }) => lastAt), [18n, 16n, 14n, 12n, 10n]);
});
