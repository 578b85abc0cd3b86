/** Instructions of a Dockerfile that mean less here than its author may think. Pure; time is linear in the text. */
import { instructionsOfStage } from "./stages.ts";

const PATHS_SHOWN_MAX = 5;
const PATH_CHARACTERS_MAX = 200;

/** A sentence or two for each such instruction of the stage that is built, mostly none. */
export function dockerfileNotices(
  dockerfile: string,
  { healthCheckPath, target = "" }: { readonly healthCheckPath: string; readonly target?: string },
): readonly string[] {
  const found = instructionsOfStage(dockerfile, target);
  const volumes = found.filter(({ name }) => name === "volume").flatMap(({ words }) => volumePaths(words));
  const checks = found.filter(({ name }) => name === "healthcheck");
  const hasCheck = checks.length > 0 && checks.at(-1)?.words[0]?.toLowerCase() !== "none";
  return [
    ...(volumes.length === 0 ? [] : [volumeNotice(volumes)]),
    ...(hasCheck && healthCheckPath === "" ? [CHECK_NOTICE] : []),
  ];
}

const CHECK_NOTICE =
  "The Dockerfile's HEALTHCHECK is not run here: an app is healthy when its port accepts connections. " +
  "Let a path be asked instead: --health-check-path, or healthCheckPath in unkey.json.";

/** Folders that a Dockerfile means to outlive its containers. */
export function volumeNotice(paths: readonly string[]): string {
  const shown = paths.slice(0, PATHS_SHOWN_MAX).join(", ");
  return `Files in ${shown} (VOLUME of the Dockerfile) end with each instance, and the next deploy begins without them: ` +
    "keep what must last in a database or an object store.";
}

/** `VOLUME ["/a", "/b"]` or `VOLUME /a /b`. */
function volumePaths(words: readonly string[]): string[] {
  const text = words.join(" ");
  return text.replace(/^\[|\]$/g, "").split(/[\s,]+/)
    .map((each) => each.replace(/^["']|["']$/g, "").slice(0, PATH_CHARACTERS_MAX)).filter((each) =>
      each !== ""
    );
}
