/**
 * Which file may import which: the layers of the project, as data. `layers_test.ts` applies them to the checkout and
 * plants a violation of each.
 */
import { dirname, join, normalize } from "node:path/posix";

/** One import as written in a file. */
export interface Import {
  readonly from: string;
  /** A path in the checkout, or the name of an npm package or built-in module. */
  readonly to: string;
  /** Erased at run time (`import type`). */
  readonly typeOnly: boolean;
}

/** Answers with the reason why an import is not allowed. */
export interface Rule {
  readonly name: string;
  readonly forbids: (edge: Import) => boolean;
}

const STATEMENT = /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/g;
const DYNAMIC = /\bimport\(\s*"([^"]+)"\s*\)/g;

/** All imports of one file, relative ones resolved to paths in the checkout. */
export function importsOf(path: string, source: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean): void => {
    const to = specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : packageName(specifier);
    found.push({ from: path, to, typeOnly });
  };
  for (const [, , type, specifier] of source.matchAll(STATEMENT)) {
    if (specifier !== undefined) add(specifier, type !== undefined);
  }
  for (const [, specifier] of source.matchAll(DYNAMIC)) if (specifier !== undefined) add(specifier, false);
  return found;
}

function packageName(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

const isTest = (path: string): boolean =>
  /_test\.tsx?$|\/testing\w*\.tsx?$/.test(path) || path.startsWith("tests/");
const isProduction = (path: string): boolean =>
  !isTest(path) && !path.startsWith("dev/") && !path.startsWith("pkg/testkit/");
const area = (path: string, prefix: string): string | undefined =>
  path.startsWith(prefix) ? path.slice(prefix.length).split("/")[0] : undefined;
/** The folder of a command, or `shared`; `cmd/root.ts` is neither. */
const commandOf = (path: string): string | undefined => path.match(/^cmd\/([^/]+)\//)?.[1];
/** The folder of the worker that a file is in; `undefined` for files that wire the folders together, and all others. */
const workerRoomOf = (path: string): string | undefined => path.match(/^svc\/ctrl\/worker\/([^/]+)\//)?.[1];
/** The imports that each folder of the worker beside the workflows may take from other folders of the worker. */
const WORKER_ROOMS: Readonly<Record<string, RegExp>> = {
  config: /^$/,
  restate: /^$/,
  rollout: /^$/,
  builder: /^svc\/ctrl\/worker\/(config\/|\w+\/contract\.ts$)/,
  tasks: /^svc\/ctrl\/worker\/(builder\/|\w+\/contract\.ts$)/,
};
/** The workflow that a file is a part of: each other folder of the worker, so that a new one has the rules at once. */
const workflowOf = (path: string): string | undefined => {
  const room = workerRoomOf(path);
  return room === undefined || Object.hasOwn(WORKER_ROOMS, room) ? undefined : room;
};
/** The same for workflows, beside the contracts of other workflows. */
const WORKFLOW_IMPORTS = /^svc\/ctrl\/worker\/(rollout\/|restate\/retry_policy\.ts$)/;
const isOurs = (path: string): boolean => /^(main\.ts|cmd\/|svc\/|pkg\/|proto\/|tests\/|dev\/)/.test(path);

/** Files that decide: values in, values out. Each pattern matches at least one file, see `layers_test.ts`. */
export const PURE: readonly RegExp[] = [
  /^svc\/.*\/plan\.ts$/,
  /^svc\/ctrl\/internal\/builds\/build_key\.ts$/,
  /^svc\/ctrl\/internal\/deployments\/(domains|gates|host_label|idle_end|images|status|stop_note|urls)\.ts$/,
  /^svc\/ctrl\/internal\/domains\/(judge|records)\.ts$/,
  /^svc\/ctrl\/worker\/rollout\/(not_listening|release)\.ts$/,
  /^svc\/frontline\/internal\/(route_table|explain|share|split)\.ts$/,
  /^svc\/krane\/internal\/deployment\/(capabilities|health_check|platform_variables|task_end)\.ts$/,
  /^svc\/krane\/internal\/runtime\/docker\/(container_manifest|status)\.ts$/,
  /^svc\/krane\/internal\/runtime\/kubernetes\/(disruption_budget|image_platform|image_user|labels|network_policy|objects|other_containers|pull_trouble)\.ts$/,
  /^svc\/krane\/internal\/runtime\/kubernetes\/(probes|replica_set|sentinel_manifest|status|task_pod|tolerations)\.ts$/,
];
/** Pure files that take schemas, or functions over names and texts, from a package that can wait. */
const PURE_IMPORTS: Readonly<Record<string, string>> = {
  "svc/krane/internal/runtime/docker/container_manifest.ts": "pkg/docker/mod.ts",
  "svc/krane/internal/runtime/kubernetes/objects.ts": "pkg/kube/mod.ts",
  "svc/krane/internal/runtime/kubernetes/pull_trouble.ts": "pkg/registry/mod.ts",
};
const isPure = (path: string): boolean => PURE.some((each) => each.test(path));

const STORE = "svc/ctrl/internal/store/";

/** Parts of a package that may be loaded without the rest of it. */
const SIDE_DOORS: readonly string[] = ["pkg/build/depot/mod.ts", "pkg/build/explain/mod.ts"];

/** Where each npm package lives; a package that is not listed may be used anywhere. */
const HOMES: Readonly<Record<string, RegExp>> = {
  "kysely": /^pkg\/db\/|^svc\/ctrl\/internal\/store\//,
  "@aws-sdk/client-route-53": /^pkg\/dns01\//,
  "acme-client": /^pkg\/acme\//,
  "@peculiar/x509": /^pkg\/local_authority\//,
  "reflect-metadata": /^pkg\/local_authority\//,
  "prom-client": /^pkg\/metrics\//,
  "@opentelemetry/api": /^pkg\/otlp\//,
  "@opentelemetry/otlp-transformer": /^pkg\/otlp\/collector\.ts$/,
  "@opentelemetry/resources": /^pkg\/otlp\//,
  "@opentelemetry/sdk-trace": /^pkg\/otlp\//,
  "tldts": /^svc\/ctrl\/internal\/certificates\//,
  "zod": /^pkg\/(acme|config|dns01|docker|docker_config|kube|registry|release)\/|^cmd\/|^svc\/|^dev\//,
  "mysql2": /^pkg\/db\//,
  "node:sqlite": /^pkg\/db\//,
  "@aws-sdk/client-s3": /^pkg\/s3\//,
  "@aws-sdk/s3-request-presigner": /^pkg\/s3\//,
  "@restatedev/restate-sdk":
    /^pkg\/durable\/|^svc\/ctrl\/worker\/([^/]+\/(contract|mod)|run|restate\/endpoint)\.ts$/,
  "@connectrpc/connect-web": /^pkg\/rpc\/|^svc\/dashboard\//,
  "preact": /^svc\/dashboard\//,
  "@preact/signals": /^svc\/dashboard\//,
  "uplot": /^svc\/dashboard\/metrics\/plot\.ts$/,
  "preact-render-to-string": /^tests\//,
  "playwright-core": /^tests\//,
  "axe-core": /^tests\//,
  "yaml": /^pkg\/(kube\/kubeconfig_library|openapi\/yaml_library)\.ts$/,
  "@kubernetes/client-node": /^pkg\/kube\/kubeconfig_library\.ts$/,
  "@connectrpc/connect-node": /^pkg\/(build|rpc)\//,
  "modern-tar": /^pkg\/(archive|docker|download|testkit)\//,
  "jsonc-parser": /^cmd\/shared\/project_file\//,
  "croner": /^pkg\/schedule\//,
  "commander": /^pkg\/cli\/|^cmd\/root\.ts$/,
  "@clack/prompts": /^pkg\/cli\/|^cmd\//,
};

/** The layer rules. */
export const RULES: readonly Rule[] = [
  {
    name: "main.ts imports only the command tree, pkg/cli and the clock",
    forbids: ({ from, to }) =>
      from === "main.ts" && isOurs(to) && !/^(cmd\/root\.ts|pkg\/cli\/|pkg\/clock\/)/.test(to),
  },
  {
    name: "a command reaches a service only through its run.ts and config.ts",
    forbids: ({ from, to }) =>
      from.startsWith("cmd/") && to.startsWith("svc/") && !/\/(run|config)\.ts$/.test(to),
  },
  {
    name: "nothing but main.ts and tests imports a command",
    forbids: ({ from, to }) =>
      to.startsWith("cmd/") && isProduction(from) && from !== "main.ts" && !from.startsWith("cmd/"),
  },
  {
    name: "a command imports no other command, and cmd/shared imports none",
    forbids: ({ from, to }) => {
      const [own, other] = [commandOf(from), commandOf(to)];
      return isProduction(from) && own !== undefined && other !== undefined && own !== other &&
        other !== "shared";
    },
  },
  {
    name: "a service never imports another service",
    forbids: ({ from, to }) => {
      const own = area(from, "svc/");
      const other = area(to, "svc/");
      return isProduction(from) && own !== undefined && other !== undefined && own !== other;
    },
  },
  {
    name: "the dashboard imports generated messages, the clock, and no service",
    forbids: ({ from, to }) =>
      isProduction(from) && from.startsWith("svc/dashboard/") && isOurs(to) &&
      !/^(svc\/dashboard\/|proto\/gen\/|pkg\/clock\/mod\.ts$)/.test(to),
  },
  {
    name: "an RPC area never imports its siblings",
    forbids: ({ from, to }) => {
      const own = area(from, "svc/ctrl/services/");
      const other = area(to, "svc/ctrl/services/");
      return isProduction(from) && own !== undefined && other !== undefined && own !== other;
    },
  },
  {
    name: "RPC areas and the api know workflows by their contracts only",
    forbids: ({ from, to }) =>
      isProduction(from) && /^svc\/ctrl\/(services|api|internal)\//.test(from) &&
      to.startsWith("svc/ctrl/worker/") &&
      !to.endsWith("/contract.ts"),
  },
  {
    name: "workflows never import RPC areas or the api",
    forbids: ({ from, to }) =>
      isProduction(from) && from.startsWith("svc/ctrl/worker/") && /^svc\/ctrl\/(services|api)\//.test(to),
  },
  {
    name: "a workflow knows another by its contract only",
    forbids: ({ from, to }) => {
      const [own, other] = [workflowOf(from), workflowOf(to)];
      return isProduction(from) && own !== undefined && other !== undefined && own !== other &&
        !to.endsWith("/contract.ts");
    },
  },
  {
    name:
      "settings, Restate's API and the rollout of the worker stand alone; builder and tasks know no workflow",
    forbids: ({ from, to }) => {
      const [own, other] = [workerRoomOf(from), workerRoomOf(to)];
      const allowed = own === undefined ? undefined : WORKER_ROOMS[own];
      return isProduction(from) && allowed !== undefined && other !== undefined && own !== other &&
        !allowed.test(to);
    },
  },
  {
    name: "a workflow takes from the worker the rollout, the retry policy, and types of the builder",
    forbids: ({ from, to, typeOnly }) =>
      isProduction(from) && workflowOf(from) !== undefined && workflowOf(to) === undefined &&
      to.startsWith("svc/ctrl/worker/") && !WORKFLOW_IMPORTS.test(to) &&
      !(typeOnly && to.startsWith("svc/ctrl/worker/builder/")),
  },
  {
    name: "the store is entered only through its door",
    forbids: ({ from, to }) =>
      !from.startsWith(STORE) && to.startsWith(STORE) && to !== `${STORE}mod.ts` &&
      !(isTest(from) && to.startsWith(`${STORE}testing`)),
  },
  {
    name: "internal packages never import what uses them",
    forbids: ({ from, to }) =>
      isProduction(from) && from.startsWith("svc/ctrl/internal/") && /^svc\/ctrl\/(services|api)\//.test(to),
  },
  {
    name:
      "a workflow and its stages see only their plan, types, the durable port, and the wait that workflows share",
    forbids: ({ from, to, typeOnly }) =>
      (/\/(workflow|(\w+_)?stage)\.ts$/.test(from) ||
        workflowOf(from) !== undefined && from.endsWith("/types.ts")) &&
      !typeOnly &&
      !/\/(plan|messages|contract|types|(\w+_)?stage)\.ts$|\/rollout\/wait\.ts$|^pkg\/(durable|fault)\/|^svc\/ctrl\/internal\/deployments\//
        .test(to),
  },
  {
    name: "a pure file imports nothing that can wait",
    forbids: ({ from, to, typeOnly }) =>
      isPure(from) && !typeOnly && !isPure(to) && PURE_IMPORTS[from] !== to &&
      !/^pkg\/(fault|uid|hash)\/|^pkg\/build\/explain\/mod\.ts$|^svc\/ctrl\/internal\/deployments\/|^proto\/gen\/|^@bufbuild\/protobuf$|^zod$|^node:crypto$/
        .test(to),
  },
  {
    name: "pkg knows no service and no command",
    forbids: ({ from, to }) => isProduction(from) && from.startsWith("pkg/") && /^(svc|cmd)\//.test(to),
  },
  {
    name: "a package is used through its mod.ts",
    forbids: ({ from, to }) => {
      const other = area(to, "pkg/");
      return isProduction(from) && other !== undefined && other !== area(from, "pkg/") &&
        to !== `pkg/${other}/mod.ts` && !SIDE_DOORS.includes(to);
    },
  },
  {
    name: "generated code imports only the protobuf runtime",
    forbids: ({ from, to }) =>
      from.startsWith("proto/gen/") && !to.startsWith("proto/gen/") && to !== "@bufbuild/protobuf",
  },
  {
    name: "production never imports tests or the testkit",
    forbids: ({ from, to }) => isProduction(from) && (isTest(to) || to.startsWith("pkg/testkit/")),
  },
  {
    name: "each npm package has one home",
    forbids: ({ from, to, typeOnly }) => {
      const home = HOMES[to];
      return home !== undefined && isProduction(from) && !typeOnly && !home.test(from);
    },
  },
];

/** The packages of `pkg/` that import each other in a circle, as `a -> b -> a`. */
export function packageCycles(edges: readonly Import[]): string[] {
  const graph = new Map<string, Set<string>>();
  for (const { from, to, typeOnly } of edges) {
    const [own, other] = [area(from, "pkg/"), area(to, "pkg/")];
    if (own === undefined || other === undefined || own === other || typeOnly || isTest(from)) continue;
    graph.set(own, (graph.get(own) ?? new Set()).add(other));
  }
  const cycles: string[] = [];
  const visit = (node: string, trail: readonly string[]): void => {
    const start = trail.indexOf(node);
    if (start >= 0) return void cycles.push([...trail.slice(start), node].join(" -> "));
    for (const next of graph.get(node) ?? []) visit(next, [...trail, node]);
  };
  for (const node of graph.keys()) visit(node, []);
  return cycles;
}
