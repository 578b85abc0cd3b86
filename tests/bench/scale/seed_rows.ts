/** The rows that a seed writes, by their tables. */
import type { Schema } from "../../../svc/ctrl/internal/store/mod.ts";

/** A workspace with its key. */
export interface ScaleWorkspace {
  readonly id: string;
  readonly slug: string;
  readonly rootKey: string;
}

type Seeded =
  | "projects"
  | "environments"
  | "deployments"
  | "frontline_routes"
  | "deployment_topology"
  | "instances"
  | "region_versions";

export type AllRows = { [T in Seeded]: Schema[T][] };

export function newRows(): AllRows {
  return {
    projects: [],
    environments: [],
    deployments: [],
    frontline_routes: [],
    deployment_topology: [],
    instances: [],
    region_versions: [],
  };
}
