/** The routes of projects and environments. */
import { z } from "zod";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import type { ProjectsTable } from "../../internal/store/mod.ts";
import {
  createProject,
  type ListedEnvironment,
  listEnvironments,
  listProjects,
} from "../../services/admin/projects.ts";
import { createEnvironment } from "../../services/environment/create.ts";
import { deleteEnvironment } from "../../services/environment/delete.ts";
import { appBody, shownApp } from "./app_body.ts";
import { ENVIRONMENT_MISSING, PROJECT_MISSING, saying } from "./deploy.ts";
import { CREATED_AT, DEPLOYMENT, EARLIER_DEPLOYMENT, PROJECT } from "./examples.ts";
import { named } from "./named.ts";
import { answer, created, defineRoute, ok } from "./route.ts";
import {
  createEnvironmentBody,
  createProjectBody,
  deleteEnvironmentBody,
  nothingBody,
  projectBody,
} from "./schemas.ts";
import { count, protectionShape, sizeShape, time } from "./shapes.ts";

const projectShape = named(
  "Project",
  z.object({
    id: z.string(),
    slug: z.string(),
    name: z.string(),
    defaultBranch: z.string(),
    liveDeploymentId: z.string().optional(),
    createdAt: time,
  }),
);
const environmentShape = named(
  "Environment",
  z.object({
    id: z.string(),
    slug: z.string(),
    description: z.string(),
    liveDeploymentId: z.string().optional(),
    rolledBack: z.boolean(),
    size: sizeShape,
    app: appBody.optional(),
    lastDeployedAt: time.optional(),
    idleEndSeconds: count,
    protection: protectionShape.optional(),
  }),
);
const SHOP = { id: PROJECT, slug: "shop", name: "Shop", defaultBranch: "main", createdAt: CREATED_AT };

export const createProjectRoute = defineRoute({
  name: "createProject",
  tag: "Projects",
  summary: "Creates a project with its environments `production` and `preview`.",
  rpc: AdminService.method.createProject,
  body: createProjectBody,
  example: { slug: "shop", name: "Shop" },
  answers: { 201: answer("The new project.", projectShape, SHOP) },
  problems: [409, 412],
  async run({ deps: { admin: deps }, caller, body: { slug, name = "", defaultBranch = "" } }) {
    const project = await createProject(deps, caller, { workspaceId: "", slug, name, defaultBranch });
    return created(projectData(project));
  },
});

export const listProjectsRoute = defineRoute({
  name: "listProjects",
  tag: "Projects",
  summary: "Lists the projects that the key may read, by slug.",
  rpc: AdminService.method.listProjects,
  body: nothingBody,
  example: {},
  answers: {
    200: answer("All of them.", z.object({ projects: z.array(projectShape) }), {
      projects: [{ ...SHOP, liveDeploymentId: DEPLOYMENT }],
    }),
  },
  problems: [],
  async run({ deps: { admin: deps }, caller }) {
    const projects = await listProjects(deps, caller);
    return ok({ projects: projects.map((each) => projectData(each, each.liveDeploymentId)) });
  },
});

export const createEnvironmentRoute = defineRoute({
  name: "createEnvironment",
  tag: "Projects",
  summary: "Creates an environment of a project.",
  rpc: EnvironmentService.method.createEnvironment,
  body: createEnvironmentBody,
  example: { projectId: PROJECT, slug: "staging" },
  answers: {
    201: answer("It is created.", z.object({ environmentId: z.string() }), {
      environmentId: "env_5fLqcHJ2t9xKs7dR",
    }),
  },
  problems: [404, 409, 412],
  async run({ deps: { environment: deps }, caller, body: { description = "", ...body } }) {
    const request = { ...body, description, production: false };
    const environmentId = await createEnvironment(deps, caller, request).catch(saying(PROJECT_MISSING));
    return created({ environmentId });
  },
});

export const listEnvironmentsRoute = defineRoute({
  name: "listEnvironments",
  tag: "Projects",
  summary: "Lists the environments of a project, by slug.",
  rpc: AdminService.method.listEnvironments,
  body: projectBody,
  example: { projectId: PROJECT },
  answers: {
    200: answer("All of them.", z.object({ environments: z.array(environmentShape) }), {
      environments: [{
        id: "env_5fLqcHJ2t9xKs7dR",
        slug: "production",
        description: "",
        liveDeploymentId: DEPLOYMENT,
        rolledBack: false,
        size: { cpuMillicores: 256, memoryMib: 256, replicas: 1 },
        lastDeployedAt: CREATED_AT,
        idleEndSeconds: 0,
      }],
    }),
  },
  problems: [404],
  async run({ deps: { admin: deps }, caller, body: { projectId } }) {
    const environments = await listEnvironments(deps, caller, projectId).catch(saying(PROJECT_MISSING));
    return ok({ environments: environments.map(environmentData) });
  },
});

export const deleteEnvironmentRoute = defineRoute({
  name: "deleteEnvironment",
  tag: "Projects",
  summary: "Deletes an environment with its variables and host names. Its deployments stay as history.",
  rpc: EnvironmentService.method.deleteEnvironment,
  body: deleteEnvironmentBody,
  example: { projectId: PROJECT, environmentSlug: "staging", stop: true },
  answers: {
    200: answer(
      "The ids of deployments that were stopped.",
      z.object({ stoppedDeploymentIds: z.array(z.string()) }),
      {
        stoppedDeploymentIds: [EARLIER_DEPLOYMENT],
      },
    ),
  },
  problems: [404, 412],
  async run({ deps: { environment: deps }, caller, body: { projectId, environmentSlug, stop = false } }) {
    const stopped = await deleteEnvironment(deps, caller, { projectId, slug: environmentSlug, stop })
      .catch(saying(ENVIRONMENT_MISSING, "environment_not_found"));
    return ok({ stoppedDeploymentIds: [...stopped] });
  },
});

function projectData(project: ProjectsTable, liveDeploymentId?: string): z.infer<typeof projectShape> {
  return {
    id: project.id,
    slug: project.slug,
    name: project.name,
    defaultBranch: project.default_branch,
    ...(liveDeploymentId === undefined ? {} : { liveDeploymentId }),
    createdAt: project.created_at,
  };
}

function environmentData(
  { row, size, app, lastDeployedAt, idleEndSeconds, protection }: ListedEnvironment,
): z.infer<typeof environmentShape> {
  return {
    id: row.id,
    slug: row.slug,
    description: row.description,
    ...(row.live_deployment_id === null ? {} : { liveDeploymentId: row.live_deployment_id }),
    rolledBack: row.is_rolled_back === 1,
    size,
    ...(Object.keys(app).length === 0 ? {} : { app: shownApp(app) }),
    ...(lastDeployedAt === 0 ? {} : { lastDeployedAt }),
    idleEndSeconds,
    ...(protection === undefined ? {} : { protection }),
  };
}
