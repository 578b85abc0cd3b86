/** The protection of environments as commands print it. */
import { Protection } from "../../proto/gen/ctrl/v1/environment_pb.ts";

/** In the JSON of commands: by a password of its own, by that of all previews, or absent. */
export type ProtectionJson = "own" | "previews";

export function protectionJson(protection: Protection): ProtectionJson | undefined {
  if (protection === Protection.OWN) return "own";
  return protection === Protection.PREVIEWS ? "previews" : undefined;
}

/** For a table; empty: everybody may see it. */
export function protectionText(protection: Protection): string {
  const shown = protectionJson(protection);
  if (shown === undefined) return "";
  return shown === "own" ? "password" : "password of previews";
}
