/** Limits as a table and as JSON. */
import type { Limit } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { table } from "../shared/output.ts";

/** A limit in the output of `--json`. */
export interface LimitJson {
  readonly name: string;
  /** Absent: a setting of the worker. */
  readonly limit?: number;
  /** Absent: not counted. */
  readonly used?: number;
  /** True if an operator has set it for the workspace. */
  readonly set: boolean;
  readonly about: string;
}

export function limitJson({ name, value, used, isSet, about }: Limit): LimitJson {
  return {
    name,
    ...(value === undefined ? {} : { limit: Number(value) }),
    ...(used === undefined ? {} : { used: Number(used) }),
    set: isSet,
    about,
  };
}

export function limitTable(limits: readonly Limit[]): string {
  return table(
    ["LIMIT", "USED", "ALLOWED", "OF"],
    limits.map(({ name, value, used, isSet, about }) => [
      name,
      used === undefined ? "-" : String(used),
      `${value === undefined ? "the worker's setting" : String(value)}${isSet ? " (set)" : ""}`,
      about,
    ]),
  );
}
