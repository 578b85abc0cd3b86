/** `unkey variables remove` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { FOLLOW_EXITS } from "../shared/deploying/exit_codes.ts";
import { projectFile } from "../shared/project_file.ts";
import { CHANGE_FIELDS, type ChangedEnvironment, changeVariables } from "./change.ts";

export const command = defineCommand({
  events: true,
  exitCodes: FOLLOW_EXITS,
  fields: CHANGE_FIELDS,
  positionals: [{ name: "names", help: "Names of the variables.", required: true, repeated: true }],
  file: (_words, process) => projectFile(process),
  async run({ config, positionals }, process) {
    const names = [...new Set(positionals.filter((each) => each !== undefined))];
    return await changeVariables(config, {
      async apply(where) {
        const removed = await removeAll(names, where);
        return { text: `removed ${removed.join(", ")}`, json: { removed } };
      },
    }, process);
  },
});

/** @throws `not_found` when none of them was there */
async function removeAll(
  names: readonly string[],
  { admin, signal, ...where }: ChangedEnvironment,
): Promise<string[]> {
  const removed: string[] = [];
  for (const key of names) {
    if ((await admin.removeEnvironmentVariable({ ...where, key }, { signal })).removed) removed.push(key);
  }
  if (removed.length > 0) return removed;
  throw publicFault(
    "not_found",
    `There is no ${
      names.join(" and no ")
    } in ${where.environmentSlug}: "unkey variables list" shows what there is.`,
  );
}
