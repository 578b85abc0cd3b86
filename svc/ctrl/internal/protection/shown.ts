import { Protection } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { ALL_PREVIEWS, type EnvironmentsTable, protectionOf, type ProtectionsTable } from "../store/mod.ts";

/** An environment, and the password that its visitors have to give: its own, that of all previews, or none. */
export interface ShownProtection {
  readonly slug: string;
  readonly protection: "own" | "previews" | undefined;
}

export function shownProtection(
  rows: readonly ProtectionsTable[],
  environment: EnvironmentsTable,
): ShownProtection {
  const row = protectionOf(rows, environment);
  const protection = row && (row.environment_id === ALL_PREVIEWS ? "previews" : "own");
  return { slug: environment.slug, protection };
}

/** The same as a message has it. */
export function encodeProtection(protection: ShownProtection["protection"]): Protection {
  if (protection === undefined) return Protection.UNSPECIFIED;
  return protection === "own" ? Protection.OWN : Protection.PREVIEWS;
}
