/** `unkey domains set` */
import { defineCommand, UsageError } from "../../pkg/cli/mod.ts";
import { field, switchField, textSchema } from "../../pkg/config/mod.ts";
import { jsonLine } from "../shared/output.ts";
import { projectFile } from "../shared/project_file.ts";
import { DOMAIN_WORD, domainCalls, DOMAINS_FIELDS, shownDomain } from "./calls.ts";

export const command = defineCommand({
  fields: {
    ...DOMAINS_FIELDS,
    redirectTo: field({
      flag: "redirect-to",
      env: "UNKEY_DOMAINS_REDIRECT_TO",
      placeholder: "<domain>",
      help: "Send requests to this other domain of the project, with path and query (308).",
      schema: textSchema(),
    }),
    serve: switchField({
      flag: "serve",
      env: "UNKEY_DOMAINS_SERVE",
      help: "Let the live deployment answer, instead of a redirect.",
    }),
  },
  positionals: [DOMAIN_WORD],
  notes: `A redirect holds once the other domain is verified; until then the live deployment answers.

  unkey domains set www.example.com --redirect-to example.com
  unkey domains set www.example.com --serve`,
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [name = ""] }, process) {
    const { redirectTo = "", serve } = config;
    if (serve === (redirectTo !== "")) {
      throw new UsageError("Say one of --redirect-to <domain> and --serve.");
    }
    const calls = await domainCalls(config, process);
    const { customDomain } = await calls.call((client, projectId) =>
      client.setRedirect({ projectId, domain: name, redirectTo }, { signal: process.signal })
    );
    const domain = shownDomain(customDomain);
    if (config.json) return process.stdout(jsonLine({ project: calls.project, ...domain }));
    const what = domain.redirectTo === undefined ? "is served" : `is redirected to ${domain.redirectTo}`;
    process.stderr(`${domain.domain} ${what}\n`);
  },
});
