/** The data of the overview, from a control plane that answers as it is asked. */
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  DeploymentSchema,
  DeploymentService,
  DeploymentStatus as Status,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { createApi } from "./clients.ts";
import { readOverview } from "./overview.ts";

/** Environments by project, each with its live deployment or none. */
type Places = Readonly<Record<string, Readonly<Record<string, string>>>>;

interface Given {
  readonly places: Places;
  readonly recent?:
    readonly (readonly [id: string, environmentId: string, status: Status, createdAt: number])[];
  readonly regions?: Code;
}

function read({ places, recent = [], regions }: Given) {
  const asked: string[] = [];
  const transport = createRouterTransport((router) => {
    router.service(AdminService, {
      listProjects: () => ({ projects: Object.keys(places).map((slug) => ({ id: `proj_${slug}`, slug })) }),
      listEnvironments: ({ projectId }) => ({
        environments: Object.entries(places[projectId.slice("proj_".length)] ?? {}).map(([slug, live]) => ({
          id: `env_${projectId}_${slug}`,
          slug,
          liveDeploymentId: live,
        })),
      }),
      getStatus: () => {
        if (regions !== undefined) throw new ConnectError("no", regions);
        return { regions: [{ region: "eu" }] };
      },
    });
    router.service(DeploymentService, {
      listDeployments: () => ({
        deployments: recent.map(([id, environmentId, status, createdAt]) =>
          create(DeploymentSchema, {
            id,
            projectId: environmentId.split("_").slice(1, 3).join("_"),
            environmentId,
            status,
            createdAt: BigInt(createdAt),
          })
        ),
      }),
      getDeployment: ({ deploymentId }) => {
        asked.push(deploymentId);
        return { deployment: create(DeploymentSchema, { id: deploymentId, createdAt: 1n }) };
      },
    });
  });
  const page = { visibilityState: "hidden", addEventListener: () => undefined } as const;
  const api = {
    ...createApi("http://dashboard.localhost", page, { now: () => 0 }),
    admin: createClient(AdminService, transport),
    deployments: createClient(DeploymentService, transport),
  };
  return { asked, overview: readOverview(api, new AbortController().signal) };
}

Deno.test("the overview has deploys that go on first, then live environments, then the rest by name", async () => {
  const { overview } = read({
    places: { shop: { production: "d_1", preview: "" }, blog: { production: "d_2" }, api: { preview: "" } },
    recent: [
      ["d_5", "env_proj_shop_preview", Status.FAILED, 50],
      ["d_4", "env_proj_shop_production", Status.BUILDING, 40],
      ["d_2", "env_proj_blog_production", Status.READY, 20],
      ["d_1", "env_proj_shop_production", Status.READY, 10],
    ],
  });
  const { cards } = await overview;
  const names = cards.map(({ project, environment }) => `${project.slug} ${environment.slug}`);
  assert.deepEqual(names, ["shop production", "blog production", "shop preview", "api preview"]);
  assert.deepEqual(cards.map(({ live, newest }) => [live?.id, newest?.id]), [
    ["d_1", "d_4"],
    ["d_2", undefined],
    [undefined, "d_5"],
    [undefined, undefined],
  ]);
});

Deno.test("a live deployment that is older than the newest ones is read by its id, and no other", async () => {
  const { asked, overview } = read({
    places: { shop: { production: "d_old" } },
    recent: [["d_9", "env_proj_shop_preview", Status.READY, 90]],
  });
  const { cards } = await overview;
  assert.deepEqual(asked, ["d_old"]);
  assert.equal(cards[0]?.live?.id, "d_old");
});

Deno.test("a deployment that is older than the live one is not the newest of its environment", async () => {
  const { overview } = read({
    places: { shop: { production: "d_2" } },
    recent: [
      ["d_2", "env_proj_shop_production", Status.READY, 20],
      ["d_1", "env_proj_shop_production", Status.READY, 10],
    ],
  });
  assert.equal((await overview).cards[0]?.newest, undefined);
});

Deno.test("the overview of a key that may not see regions has none, and everything else", async () => {
  const given = { places: { shop: { production: "" } } };
  assert.deepEqual((await read(given).overview).regions.map(({ region }) => region), ["eu"]);
  const { regions, cards } = await read({ ...given, regions: Code.PermissionDenied }).overview;
  assert.deepEqual([regions.length, cards.length], [0, 1]);
});
