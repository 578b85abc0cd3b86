/** `unkey apply`: gives an environment what `unkey.json` wants. */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { field, parsedSchema } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { EnvironmentService } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { confirm, YES_FIELD } from "../shared/confirm.ts";
import { calling } from "../shared/connect.ts";
import { jsonLine } from "../shared/output.ts";
import { makePlan, PLAN_FIELDS } from "../shared/planning/fields.ts";
import {
  changeCount,
  planJson,
  planOf,
  planText,
  recordsText,
  waitingText,
} from "../shared/planning/plan_view.ts";
import { projectFile } from "../shared/project_file.ts";

export const command = defineCommand({
  fields: {
    ...PLAN_FIELDS,
    fingerprint: field({
      flag: "fingerprint",
      env: "UNKEY_APPLY_FINGERPRINT",
      placeholder: "<digits>",
      help: 'Make the changes of this plan of "unkey plan", without a question, and no others.',
      schema: parsedSchema(
        (text) => /^[0-9a-f]{64}$/.test(text) ? text : undefined,
        'must be the 64 digits that "unkey plan" prints',
      ),
    }),
    yes: YES_FIELD,
  },
  notes:
    `Shows the plan, asks, and makes its changes in one transaction with one entry of the audit log. When the file, the
environment or what it serves has changed since the plan was made, nothing is changed and the command fails. With
nothing to change it ends with 0 and asks nothing.

  unkey apply --env production
  unkey plan --env production && unkey apply --env production --fingerprint 9f86d081…

No deployment is made: "unkey plan --help" says which values run when. "unkey domains verify" shows the records
that a new domain needs.`,
  file: (_words, process) => projectFile(process),
  async run({ config }, process) {
    const { stdout, stderr, signal } = process;
    const { environment, json } = config;
    const { plan, project, request, connection } = await makePlan(config, process);
    const place = `${project} ${environment}`;
    const count = changeCount(plan);
    const changes = count === 1 ? "1 change" : `${count} changes`;
    if (!json) stdout(planText(plan, place));
    if (count > 0 && config.fingerprint === undefined) {
      if (json && !config.yes) stderr(planText(plan, place));
      await confirm(process, config.yes, { message: `Apply ${changes} to ${place}?`, initial: false });
    }
    const client = createRpcClient(EnvironmentService, connection);
    const fingerprint = config.fingerprint ?? plan.fingerprint;
    const applied = count === 0 ? plan : planOf(
      (await calling(connection, () => client.applyEnvironment({ ...request, fingerprint }, { signal })))
        .plan,
    );
    if (json) return stdout(jsonLine({ project, environment, applied: count, ...planJson(applied) }));
    if (count > 0) stdout(`applied ${changes} to ${place}\n`);
    stderr(`${count > 0 ? recordsText(applied) : ""}${waitingText(applied, environment)}`);
  },
});
