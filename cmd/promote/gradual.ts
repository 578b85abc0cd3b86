/** `unkey promote --gradual`: the beginning of a gradual switch, and all that comes until its end. */
import { EXIT, type ExitCode, type Process } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { type Switch, SwitchPath } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { GradualSwitch } from "../../proto/gen/ctrl/v1/gradual_switch_pb.ts";
import { confirm } from "../shared/confirm.ts";
import { type GradualJson, gradualJson, gradualText } from "../shared/gradual_view.ts";
import { stepsOf, type StepsSettings } from "../shared/gradual_fields.ts";
import { operationClient, printDone, type Printing } from "../shared/operation.ts";
import { jsonLine } from "../shared/output.ts";
import { retryWhileUnavailable } from "../shared/retry_while_unavailable.ts";
import { awaitReceipt, receiptText } from "../shared/switch_receipt.ts";
import { existingSwitch, placeOf, planText, switchJson } from "../shared/switch_view.ts";
import { withinTime } from "../shared/time_limit.ts";

type Client = ReturnType<typeof operationClient>;

/** It ended, and the deployment did not get all requests. */
export const NOT_COMPLETED = 21;

export interface GradualSettings extends Printing, StepsSettings {
  readonly detach: boolean;
  readonly plan: boolean;
  readonly yes: boolean;
  readonly timeoutMs: number;
}

const LOOK_MS = 1_000;

/** Begins one, and follows it to its end. */
export async function promoteGradually(
  client: Client,
  id: string,
  settings: GradualSettings,
  process: Process,
): Promise<ExitCode> {
  const { clock, signal, stdout, stderr } = process;
  const plan = existingSwitch((await client.planPromote({ targetDeploymentId: id }, { signal })).plan);
  const shares = [...(settings.steps ?? [10, 50]), 100].map((each) => `${each} %`).join(", ");
  if (settings.plan) {
    const text = `${planText("promote", plan)}in steps: ${shares} of the requests\n`;
    stdout(settings.json ? jsonLine({ plan: switchJson(plan) }) : text);
    return EXIT.ok;
  }
  const message = `Promote ${id} in ${placeOf(plan)} in steps, ${shares}?`;
  await confirm(process, settings.yes, { message, initial: true });
  const isQuiet = settings.json || settings.quiet;
  if (!isQuiet && plan.path !== SwitchPath.INSTANT) {
    stderr(`${id} does not run at the moment: it is started, then it gets its first requests.\n`);
  }
  return await withinTime({ clock, signal, limitMs: settings.timeoutMs }, async (signal) => {
    const { gradualSwitch } = await client.beginGradualSwitch({
      targetDeploymentId: id,
      ...stepsOf(settings),
    }, { signal });
    const begun = gradualJson(existing(gradualSwitch));
    if (settings.hold || settings.detach) {
      return printGradual(begun, settings, process, { text: begunText(plan, begun, settings) });
    }
    return await follow(client, begun, settings, { ...process, signal });
  });
}

function begunText(plan: Switch, { to, percent }: GradualJson, { hold }: GradualSettings): string {
  const then = hold ? `"unkey promote ${to} --next" goes on` : "it goes on by itself";
  return `${to} gets ${percent} % of the requests of ${
    placeOf(plan)
  }: ${then}, "unkey promote ${to} --abort" ends it\n`;
}

async function follow(
  client: Client,
  begun: GradualJson,
  settings: GradualSettings,
  process: Process,
): Promise<ExitCode> {
  const { clock, signal, stderr } = process;
  const isQuiet = settings.json || settings.quiet;
  let [shown, percent] = [begun, -1];
  while (shown.state === "running") {
    if (shown.percent !== percent && !isQuiet) stderr(`${gradualText(shown)}\n`);
    percent = shown.percent;
    await clock.sleep(LOOK_MS, signal);
    const { gradualSwitch } = await retryWhileUnavailable(
      process,
      () => client.getGradualSwitch({ gradualSwitchId: begun.id }, { signal }),
    );
    shown = gradualJson(existing(gradualSwitch));
  }
  return await printEnd(client, shown, settings, process);
}

/** Prints the end. */
async function printEnd(
  client: Client,
  ended: GradualJson,
  printing: Printing,
  process: Process,
): Promise<ExitCode> {
  const { clock, signal } = process;
  const { to, project, environment, state } = ended;
  const deploymentId = state === "completed" ? to : ended.from;
  const receipt = printing.quiet && !printing.json || state === "replaced"
    ? undefined
    : await awaitReceipt({ client, deploymentId, clock, signal });
  const line = receipt === undefined ? "" : receiptText(receipt);
  const what = state === "completed"
    ? `promoted ${to} in ${project}/${environment}, ${ended.from} before`
    : `${to} in ${project}/${environment} was not promoted, ${gradualText(ended)}`;
  const text = `${what}\n${line === "" ? "" : `${line}\n`}`;
  return printGradual(ended, printing, process, {
    text,
    exitCode: state === "completed" ? EXIT.ok : NOT_COMPLETED,
  });
}

function printGradual(
  gradual: GradualJson,
  printing: Printing,
  process: Pick<Process, "stdout">,
  { text, exitCode = EXIT.ok }: { readonly text: string; readonly exitCode?: ExitCode },
): ExitCode {
  const json = { gradualSwitch: gradual, ...(exitCode === EXIT.ok ? {} : { exitCode }) };
  printDone(printing, process, { json, text, id: gradual.to, urls: [] });
  return exitCode;
}

/** Goes on with the gradual switch that runs in the deployment's environment, or ends it. */
export async function actOnGradual(
  client: Client,
  { projectId, environmentSlug, act }: {
    readonly projectId: string;
    readonly environmentSlug: string;
    readonly act: "next" | "abort";
  },
  printing: Printing,
  process: Process,
): Promise<ExitCode> {
  const { signal } = process;
  const { gradualSwitches: [running] } = await client.listGradualSwitches(
    { projectId, environmentSlug, running: true, pageSize: 1 },
    { signal },
  );
  if (running === undefined) {
    throw publicFault(
      "failed_precondition",
      `No gradual switch runs in the environment "${environmentSlug}": "unkey promote <deployment> --gradual" begins one.`,
    );
  }
  const request = { gradualSwitchId: running.id };
  const { gradualSwitch } = act === "next"
    ? await client.advanceGradualSwitch(request, { signal })
    : await client.abortGradualSwitch(request, { signal });
  const shown = gradualJson(existing(gradualSwitch));
  const place = `${shown.project}/${shown.environment}`;
  const text = shown.state === "running"
    ? `${shown.to} gets ${shown.percent} % of the requests of ${place}\n`
    : shown.state === "completed"
    ? `promoted ${shown.to} in ${place}, ${shown.from} before\n`
    : `ended: ${shown.from} gets all requests of ${place} again\n`;
  return printGradual(shown, printing, process, { text });
}

function existing(given: GradualSwitch | undefined): GradualSwitch {
  if (given !== undefined) return given;
  throw publicFault("internal", "The control plane answered without the gradual switch.");
}
