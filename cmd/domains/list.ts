/** `unkey domains list` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { age, jsonLine, oneLine, table } from "../shared/output.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";
import { domainCalls, DOMAINS_FIELDS } from "./calls.ts";
import { type DomainJson, domainJson, stateText } from "./view.ts";

export const command = defineCommand({
  outcome: "output",
  fields: {
    ...DOMAINS_FIELDS,
    environment: { ...ENVIRONMENT_FILTER_FIELD, help: "Only of this environment." },
  },
  notes:
    "With --json each domain comes with its records, what its last check found, and the state of its certificate.",
  file: (_words, process) => projectFile(process),
  async run({ config }, process) {
    const calls = await domainCalls(config, process);
    const environmentSlug = config.environment ?? "";
    const answer = await calls.call((client, projectId) =>
      client.listCustomDomains({ projectId, environmentSlug }, { signal: process.signal })
    );
    const domains = answer.domains.map(domainJson);
    if (config.json) return process.stdout(jsonLine({ project: calls.project, domains }));
    if (domains.length === 0) {
      return process.stderr('No domains. "unkey domains add <domain>" adds one.\n');
    }
    const nowMs = process.clock.now();
    process.stdout(table(
      ["DOMAIN", "ENVIRONMENT", "STATE", "CERTIFICATE", "REDIRECTS TO"],
      domains.map((each) => [
        each.domain,
        each.environment,
        stateText(each, nowMs),
        certificateText(each, nowMs),
        each.redirectTo ?? "",
      ]),
    ));
    for (const { domain, issues } of domains) {
      const [first] = issues;
      if (first !== undefined) process.stdout(`\n${domain}: ${oneLine(`${first.message} ${first.fix}`)}\n`);
    }
  },
});

function certificateText({ certificate }: DomainJson, nowMs: number): string {
  const end = certificate?.notAfter;
  if (end === undefined) return "";
  return end <= nowMs ? `ended ${age(end, nowMs)} ago` : `ends in ${age(nowMs, end)}`;
}
