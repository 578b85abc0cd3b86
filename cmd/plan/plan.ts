/** `unkey plan`: what `unkey.json` would change. */
import { defineCommand, EXIT } from "../../pkg/cli/mod.ts";
import { switchField } from "../../pkg/config/mod.ts";
import { CALL_EXITS } from "../shared/exit_codes.ts";
import { jsonLine } from "../shared/output.ts";
import { makePlan, PLAN_FIELDS } from "../shared/planning/fields.ts";
import { changeCount, planJson, planText } from "../shared/planning/plan_view.ts";
import { projectFile } from "../shared/project_file.ts";

/** There is something to apply. Only given when asked for: the plan itself did not fail. */
const CHANGES = 3;
const MEANING = { code: CHANGES, means: "with --exit-code: there are changes to apply" };

export const command = defineCommand({
  outcome: "output",
  exitCodes: [...CALL_EXITS, MEANING].sort((a, b) => a.code - b.code),
  fields: {
    ...PLAN_FIELDS,
    exitCode: switchField({
      flag: "exit-code",
      env: "UNKEY_PLAN_EXIT_CODE",
      help: "End with 3 when there are changes to apply.",
    }),
  },
  notes:
    `Compares unkey.json with what the environment has stored, and with what it serves, and changes nothing. Only what the
file has is compared, and nothing is removed without --prune. Values of variables and of headers are compared by the
control plane, and shown nowhere.

  unkey plan --env production
  unkey plan --env production --exit-code --json > plan.json

RUNS WITH says what gives a stored value to the app: "at once" is the apply itself, "redeploy" needs no build, and
"deploy" is needed where the live deployment was made with another value. Rows that wait are stored already. The
last line has the fingerprint of the plan: "unkey apply --fingerprint <digits>" makes these changes and no others.

Flags of deploy and their variables do not count. context, dockerfile and build of the file say how an image is made,
which only deploys do.`,
  file: (_words, process) => projectFile(process),
  async run({ config }, process) {
    const { plan, project } = await makePlan(config, process);
    const { environment, exitCode } = config;
    const count = changeCount(plan);
    const code = exitCode && count > 0 ? CHANGES : EXIT.ok;
    if (config.json) {
      const ended = code === EXIT.ok ? {} : { exitCode: code };
      process.stdout(jsonLine({ project, environment, ...planJson(plan), ...ended }));
    } else {
      process.stdout(planText(plan, `${project} ${environment}`));
      if (count > 0) process.stdout(`plan ${plan.fingerprint}\n`);
    }
    return code;
  },
});
