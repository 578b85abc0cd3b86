import { publicFault } from "../../pkg/fault/mod.ts";
import type { AddRegistryRequest } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { access, NOW, type RunOptions, type RunResult, startControlPlane, unkey } from "../shared/testing.ts";

export const CREATED = NOW - 3_600_000;
export const CHANGED = NOW - 120_000;

export interface RegistriesPlane extends AsyncDisposable {
  readonly adds: readonly AddRegistryRequest[];
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<RunResult>;
}

export async function controlPlane(hosts = ["docker.io", "ghcr.io"]): Promise<RegistriesPlane> {
  const adds: AddRegistryRequest[] = [];
  const known = new Set(hosts);
  const api = await startControlPlane({
    admin: {
      addRegistry(request) {
        if (request.host.includes("/")) throw publicFault("invalid_argument", "host must not have a path");
        adds.push(request);
        const replaced = known.has(request.host);
        return { registry: { host: request.host.toLowerCase(), username: request.username }, replaced };
      },
      listRegistries: ({ workspaceId }) => ({
        registries: [...known].map((host) => ({
          host,
          username: `of ${workspaceId || "caller"}`,
          createdAt: BigInt(CREATED),
          updatedAt: BigInt(CHANGED),
        })),
      }),
      removeRegistry: ({ host }) => ({ host: host.toLowerCase(), removed: known.delete(host.toLowerCase()) }),
    },
  });
  const run = (args: readonly string[], options: RunOptions = {}) =>
    unkey(["registries", ...args], { ...options, env: { ...access(api.url), ...options.env } });
  return { adds, run, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

export function answering(password: string | undefined): RunOptions {
  return {
    prompts: {
      confirm: () => Promise.resolve(undefined),
      select: () => Promise.resolve(undefined),
      password: () => Promise.resolve(password),
    },
  };
}
