import { runtimeProblem, workerFacts } from "../../../pkg/build/mod.ts";
import { failed, ok, type Probe, warning } from "../../../pkg/preflight/mod.ts";
import { probePush, registryOf } from "../../../pkg/registry/mod.ts";
import { builderEndpoint } from "../worker/builder/builder.ts";
import type { WorkerConfig } from "../worker/config/config.ts";

const BACKEND = "--build-backend (UNKEY_BUILD_BACKEND)";

/** Opens BuildKit's API, which a Docker Engine has inside, and asks for its version. */
export function builderProbe(config: WorkerConfig): Probe {
  const setting = config.buildBackend === "docker" ? "DOCKER_HOST" : "--buildkit-url (UNKEY_BUILDKIT_URL)";
  return {
    subject: "builder",
    advice: `Start the builder, or name another one with ${setting} or ${BACKEND}.`,
    async ask(signal) {
      const problem = runtimeProblem();
      if (problem !== undefined) return warning(problem, "Deploy images, or run unkey from its source.");
      const endpoint = await builderEndpoint(config);
      if (endpoint === undefined) return ok("Depot gives each build a machine; it is asked by builds only.");
      const connection = await endpoint.connect(signal);
      try {
        const { version, hasSourcePolicy } = await workerFacts(connection, signal);
        const name = `BuildKit ${version ?? "of an unknown version"} at ${endpoint.name}`;
        if (hasSourcePolicy || config.buildSources !== "public") return ok(`${name} answers.`);
        return warning(
          `${name} ignores rules about sources: builds reach private addresses.`,
          "Upgrade to BuildKit 0.11 or Docker 23, or allow it with --build-sources any (UNKEY_BUILD_SOURCES).",
        );
      } finally {
        connection.close();
      }
    },
  };
}

/** Begins a push to the registry and gives it up; `undefined` without a registry. */
export function registryProbe(config: WorkerConfig): Probe | undefined {
  const registry = registryOf(config);
  if (registry === undefined) return undefined;
  const credentials = "--registry-username (UNKEY_REGISTRY_USERNAME) and UNKEY_REGISTRY_PASSWORD";
  return {
    subject: "registry",
    advice: "Check --registry-url (UNKEY_REGISTRY_URL), and that this machine reaches it.",
    async ask(signal) {
      const right = await probePush(registry, signal);
      if (right.kind === "allowed") return ok(`${registry.name} takes images.`);
      if (right.kind === "unauthorized" || right.status === 401 || right.status === 403) {
        return failed(
          `${registry.name} refuses these credentials.`,
          `Give a user who may push with ${credentials}.`,
        );
      }
      const advice =
        "Check the path in --registry-url (UNKEY_REGISTRY_URL): some registries want a repository made first.";
      return failed(`${registry.name} answered ${right.status} to a push.`, advice);
    },
  };
}
