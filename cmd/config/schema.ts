/** `unkey config schema`: the JSON schema of `unkey.json`, for editors. */
import { type Command, defineCommand } from "../../pkg/cli/mod.ts";
import { projectFileSchema } from "../shared/project_file/schema.ts";

/** Descriptions and defaults are those of the settings of `deploy`. */
export function schemaCommand({ fields }: Command): Command {
  return defineCommand({
    outcome: "output",
    fields: {},
    notes: `  unkey config schema > unkey.schema.json

and in unkey.json:

  "$schema": "./unkey.schema.json"`,
    run(_input, { stdout }) {
      stdout(`${JSON.stringify(projectFileSchema(Object.values(fields)), undefined, 2)}\n`);
      return Promise.resolve();
    },
  });
}
