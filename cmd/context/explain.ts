/** `unkey context explain`: the files that a build of a folder is given, or the reason for which a path is one of them. */
import { resolve } from "node:path";
import { contextRoot, type DockerfileSource, findDockerfile } from "../../pkg/archive/mod.ts";
import { defineCommand, type Process } from "../../pkg/cli/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { CONTEXT_FIELDS } from "../shared/context/fields.ts";
import { listFolder } from "../shared/context/list_folder.ts";
import { LOCAL_EXITS } from "../shared/exit_codes.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { type Place, placeOf } from "../shared/place.ts";
import { projectFile } from "../shared/project_file.ts";
import { decisionOf, decisionText } from "./decision.ts";
import { pathInContext } from "./path_in_context.ts";
import { summaryOf, summaryText } from "./summary.ts";

/** `unkey context explain [path]` */
export const command = defineCommand({
  outcome: "output",
  exitCodes: LOCAL_EXITS,
  fields: { ...CONTEXT_FIELDS, json: JSON_FIELD },
  positionals: [
    { name: "path", help: "File or folder to explain. Default: the context as a whole.", required: false },
  ],
  notes:
    "Nothing is sent. .git is left out unless --include-git, a line of the ignore file or a COPY names it.",
  file: (_positionals, process) => projectFile(process),
  async run({ config, positionals: [given], file }, process): Promise<void> {
    const { context: named, dockerfile: namedDockerfile, includeGit, json } = config;
    const { cwd, signal, stdout } = process;
    const place = placeOf({ folder: undefined, context: named, dockerfile: namedDockerfile, file, cwd });
    const { folder } = place;
    const root = await contextRoot(folder);
    const dockerfile = await dockerfileOf(place, root, process);
    const path = given === undefined ? "" : await pathInContext(given, { cwd, folder, root });
    const context = await listFolder({ folder, dockerfile, includeGit }, signal);
    if (path === "") {
      const summary = await summaryOf(context, dockerfile);
      return stdout(json ? jsonLine(summary) : summaryText(summary));
    }
    const decision = decisionOf(context, path);
    stdout(json ? jsonLine(decision) : decisionText(decision));
  },
});

/** The rules are those of the context also where the usual Dockerfile is still to be written. */
async function dockerfileOf(
  { dockerfile, preferred }: Place,
  root: string,
  { cwd }: Pick<Process, "cwd">,
): Promise<DockerfileSource> {
  const none = { file: resolve(root, "Dockerfile"), name: "Dockerfile", content: new Uint8Array(0) };
  // Standard input, which only a deploy reads.
  if (dockerfile === "-") return none;
  try {
    return await findDockerfile({ root, dockerfile, preferred, cwd });
  } catch (error) {
    if (dockerfile !== undefined || !isFault(error, "not_found", "failed_precondition")) throw error;
    return none;
  }
}
