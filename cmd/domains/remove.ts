/** `unkey domains remove` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { confirm, YES_FIELD } from "../shared/confirm.ts";
import { jsonLine } from "../shared/output.ts";
import { projectFile } from "../shared/project_file.ts";
import { DOMAIN_WORD, domainCalls, DOMAINS_FIELDS } from "./calls.ts";

export const command = defineCommand({
  fields: { ...DOMAINS_FIELDS, yes: YES_FIELD },
  positionals: [DOMAIN_WORD],
  notes:
    `Its route and certificate go at once: visitors who still come get an error. Remove its DNS record, too: a record that
leads nowhere invites others to answer in its place.`,
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [domain = ""] }, process) {
    const calls = await domainCalls(config, process);
    const message = `Remove ${domain} from ${calls.project}? Visitors get an error there from then on.`;
    await confirm(process, config.yes, { message, initial: false });
    await calls.call((client, projectId) =>
      client.deleteCustomDomain({ projectId, domain }, { signal: process.signal })
    );
    if (config.json) return process.stdout(jsonLine({ project: calls.project, domain, removed: true }));
    process.stderr(`removed ${domain} from ${calls.project}\n`);
  },
});
