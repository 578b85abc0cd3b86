/** `unkey domains verify` */
import { defineCommand, type Process } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { durationText } from "../../pkg/config/mod.ts";
import { optionalDurationField } from "../shared/duration_field.ts";
import { jsonLine, oneLine } from "../shared/output.ts";
import { projectFile } from "../shared/project_file.ts";
import { WaitOver, withinTime } from "../shared/time_limit.ts";
import { DOMAIN_WORD, type DomainCalls, domainCalls, DOMAINS_FIELDS, shownDomain } from "./calls.ts";
import { adviceText, type DomainJson, isServed, stateText } from "./view.ts";

const WAIT_MS_MAX = 24 * 60 * 60_000;
const ASK_MS = 3_000;

export const command = defineCommand({
  fields: {
    ...DOMAINS_FIELDS,
    waitMs: optionalDurationField(WAIT_MS_MAX, {
      flag: "wait-for",
      env: "UNKEY_DOMAINS_WAIT_FOR",
      help: "Wait so long until visitors get to it over HTTPS; fails when they do not by then.",
    }),
  },
  positionals: [DOMAIN_WORD],
  notes: "It asks the name servers of the domain itself, not a cache, and starts a check at once.",
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [name = ""] }, process) {
    const calls = await domainCalls(config, process);
    const domain = config.waitMs === undefined
      ? await look(calls, name, process.signal)
      : await wait(calls, { name, waitMs: config.waitMs }, process);
    if (config.json) return process.stdout(jsonLine({ project: calls.project, ...domain }));
    process.stdout(`${domain.domain}: ${stateText(domain, process.clock.now())}\n${adviceText(domain)}`);
  },
});

async function look(calls: DomainCalls, domain: string, signal: AbortSignal): Promise<DomainJson> {
  const { customDomain } = await calls.call((client, projectId) =>
    client.verifyCustomDomain({ projectId, domain }, { signal })
  );
  return shownDomain(customDomain);
}

/** Looks until it is served, or cannot be without the user. */
async function wait(
  calls: DomainCalls,
  { name, waitMs }: { readonly name: string; readonly waitMs: number },
  { clock, signal, stderr }: Pick<Process, "clock" | "signal" | "stderr">,
): Promise<DomainJson> {
  let last: DomainJson | undefined;
  let shown = "";
  try {
    return await withinTime({ clock, signal, limitMs: waitMs }, async (limit) => {
      for (;;) {
        last = await look(calls, name, limit);
        if (isServed(last)) return last;
        const state = progressText(last, clock.now());
        if (last.status === "failed") throw failed(last);
        if (state !== shown) stderr(`.. ${state}\n`);
        shown = state;
        await clock.sleep(ASK_MS, limit);
      }
    });
  } catch (error) {
    if (!(error instanceof WaitOver)) throw error;
    const state = last === undefined ? "unknown" : progressText(last, clock.now());
    throw publicFault(
      "failed_precondition",
      `"${name}" is not served after ${durationText(waitMs)}: ${state}. ` +
        `"unkey domains verify ${name}" says what is missing; it is looked for further on.`,
    );
  }
}

function progressText(domain: DomainJson, nowMs: number): string {
  const problem = domain.certificate?.problem;
  return problem === undefined
    ? stateText(domain, nowMs)
    : `${stateText(domain, nowMs)}: ${oneLine(problem)}`;
}

function failed({ domain, issues }: DomainJson): Error {
  const why = issues.map(({ message, fix }) => ` ${message} ${fix}`).join("");
  return publicFault(
    "failed_precondition",
    `"${domain}" is not looked for any more.${why} "unkey domains retry ${domain}" begins again.`,
  );
}
