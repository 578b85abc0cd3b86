/** `unkey domains add` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { field, textSchema } from "../../pkg/config/mod.ts";
import { jsonLine } from "../shared/output.ts";
import { projectFile } from "../shared/project_file.ts";
import { DOMAIN_WORD, domainCalls, DOMAINS_FIELDS, shownDomain } from "./calls.ts";
import { adviceText, isServed, stateText } from "./view.ts";

export const command = defineCommand({
  fields: {
    ...DOMAINS_FIELDS,
    environment: field({
      flag: "env",
      env: "UNKEY_ENVIRONMENT",
      placeholder: "<slug>",
      help: "The environment whose live deployment answers.",
      schema: textSchema("production"),
    }),
    redirectTo: field({
      flag: "redirect-to",
      env: "UNKEY_DOMAINS_REDIRECT_TO",
      placeholder: "<domain>",
      help: "Send requests to this other domain of the project, with path and query (308).",
      schema: textSchema(),
    }),
  },
  positionals: [DOMAIN_WORD],
  notes:
    `It prints the records to set at your DNS provider, and what is wrong with those that are there. They are looked for by
themselves from then on; then the certificate is ordered, and the live deployment answers. Adding a domain again
changes nothing.

  unkey domains add shop.example.com
  unkey domains add www.example.com --redirect-to example.com
  unkey domains verify shop.example.com --wait-for 10m`,
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [name = ""] }, process) {
    const calls = await domainCalls(config, process);
    const { environment: environmentSlug, redirectTo = "" } = config;
    const { created, customDomain } = await calls.call((client, projectId) =>
      client.addCustomDomain({ projectId, environmentSlug, domain: name, redirectTo }, {
        signal: process.signal,
      })
    );
    const domain = shownDomain(customDomain);
    if (config.json) return process.stdout(jsonLine({ project: calls.project, created, ...domain }));
    const verb = created ? "added" : "is there already:";
    const where = `${calls.project} ${domain.environment}`;
    process.stderr(
      created
        ? `${verb} ${domain.domain} to ${where}\n`
        : `${domain.domain} ${verb} ${where}, ${stateText(domain, process.clock.now())}\n`,
    );
    process.stdout(adviceText(domain));
    if (isServed(domain)) return;
    process.stderr(`\nThen: unkey domains verify ${domain.domain} --wait-for 10m\n`);
  },
});
