/** `unkey domains retry` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { jsonLine } from "../shared/output.ts";
import { projectFile } from "../shared/project_file.ts";
import { DOMAIN_WORD, domainCalls, DOMAINS_FIELDS, shownDomain } from "./calls.ts";
import { adviceText } from "./view.ts";

export const command = defineCommand({
  fields: DOMAINS_FIELDS,
  positionals: [DOMAIN_WORD],
  notes:
    "Its records are looked for from the beginning, also after a failure. A certificate that does not come is tried at once.",
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [name = ""] }, process) {
    const calls = await domainCalls(config, process);
    const { customDomain } = await calls.call((client, projectId) =>
      client.retryVerification({ projectId, domain: name }, { signal: process.signal })
    );
    const domain = shownDomain(customDomain);
    if (config.json) return process.stdout(jsonLine({ project: calls.project, ...domain }));
    process.stderr(`looking for the records of ${domain.domain} again\n`);
    process.stdout(adviceText(domain));
  },
});
