/** A move of live traffic as commands print it. */
import type { Process } from "../../pkg/cli/mod.ts";
import { switchField } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { type RunSettings, type Switch, SwitchPath } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type AppJson, appJson, changedRows, type ShownApp } from "./app_view.ts";
import { printDone, type Printing, seconds } from "./operation.ts";
import { table } from "./output.ts";
import { awaitReceipt, type ReceiptJson, type ReceiptLook, receiptText } from "./switch_receipt.ts";

export const PLAN_FIELD = switchField({
  flag: "plan",
  env: "UNKEY_PLAN",
  help: "Say what would happen, and how fast, and do nothing.",
});

/** A switch in the JSON of commands. */
export interface SwitchJson {
  readonly project: string;
  readonly environment: string;
  /** Absent when nothing was live. */
  readonly from?: string;
  readonly to: string;
  readonly path: string;
  readonly rolledBack: boolean;
  readonly hostnames: readonly string[];
  readonly urls: readonly string[];
  /** Only in a plan: how the live deployment is run, and how the target is. Names as in `unkey.json`. */
  readonly fromApp?: AppJson;
  readonly toApp?: AppJson;
  /** Of a switch that was done; absent where the control plane keeps none. */
  readonly receipt?: ReceiptJson;
}

const PATHS: Readonly<Record<number, string>> = {
  [SwitchPath.INSTANT]: "instant",
  [SwitchPath.WARM]: "warm",
  [SwitchPath.COLD]: "cold",
};

/** The switch that an answer must hold. */
export function existingSwitch(given: Switch | undefined): Switch {
  if (given !== undefined) return given;
  throw publicFault("internal", "The control plane answered without saying what it did.");
}

export function switchJson(given: Switch): SwitchJson {
  const { fromDeploymentId: from, hostnames, urls, rolledBack, fromSettings, toSettings } = given;
  return {
    project: given.projectSlug,
    environment: given.environmentSlug,
    ...(from === "" ? {} : { from }),
    to: given.toDeploymentId,
    path: pathName(given),
    rolledBack,
    hostnames,
    urls,
    ...(fromSettings === undefined ? {} : { fromApp: appJson(shownApp(fromSettings)) }),
    ...(toSettings === undefined ? {} : { toApp: appJson(shownApp(toSettings)) }),
  };
}

function shownApp({ app, size }: RunSettings): ShownApp {
  return { settings: app, size };
}

/** `instant`, `warm` or `cold`. */
export function pathName({ path }: Pick<Switch, "path">): string {
  return PATHS[path] ?? `unknown (${path})`;
}

/** Where it happens, e.g. `shop/production`. */
export function placeOf(
  { projectSlug, environmentSlug }: Pick<Switch, "projectSlug" | "environmentSlug">,
): string {
  return `${projectSlug}/${environmentSlug}`;
}

/** The sentence of a switch that was done. */
export function switchText(verb: "rolled back" | "promoted", done: Switch): string {
  const { fromDeploymentId: from, toDeploymentId: to, urls, tookMs } = done;
  const how = `${pathName(done)}, ${seconds(Number(tookMs))}`;
  const [url = ""] = urls;
  if (from === to) return `accepted ${to} in ${placeOf(done)}: new deployments go live again (${how})\n`;
  const what = verb === "promoted"
    ? `promoted ${to} in ${placeOf(done)}${from === "" ? "" : `, ${from} before`}`
    : `rolled back ${placeOf(done)} from ${from} to ${to}`;
  return `${what} (${how})${url === "" ? "" : `: ${url}`}\n`;
}

/** The receipt of a switch that was done; `undefined` where none is shown. */
export async function receiptOf(
  client: ReceiptLook["client"],
  { fromDeploymentId: from, toDeploymentId: deploymentId }: Switch,
  { json, quiet }: Printing,
  { clock, signal }: Pick<Process, "clock" | "signal">,
): Promise<ReceiptJson | undefined> {
  // An accepted rollback moves nothing.
  if (from === deploymentId || (quiet && !json)) return undefined;
  return await awaitReceipt({ client, deploymentId, clock, signal });
}

/** Prints a switch that was done. */
export function printSwitch(
  verb: "rolled back" | "promoted",
  done: Switch,
  printing: Printing & { readonly receipt: ReceiptJson | undefined },
  process: Pick<Process, "stdout">,
): void {
  const { toDeploymentId: id, urls, tookMs } = done;
  const { receipt } = printing;
  const json = {
    ...switchJson(done),
    tookMs: Number(tookMs),
    ...(receipt === undefined ? {} : { receipt }),
  };
  const line = receipt === undefined ? "" : receiptText(receipt);
  const text = `${switchText(verb, done)}${line === "" ? "" : `${line}\n`}`;
  printDone(printing, process, { json, text, id, urls: urls.slice(0, 1) });
}

const WAYS: Readonly<Record<string, string>> = {
  instant: "it runs: traffic moves at once",
  warm: "none of its instances runs at the moment: it is waited for, then traffic moves",
  cold: "it is stopped: it is started, and traffic moves when it runs",
};

/** The sentences of a plan. */
export function planText(verb: "roll back" | "promote", plan: Switch): string {
  const { fromDeploymentId: from, toDeploymentId: to, urls } = plan;
  if (from === to) return `would accept ${to} in ${placeOf(plan)}: new deployments go live again\n`;
  const what = verb === "promote"
    ? `would promote ${to} in ${placeOf(plan)}${from === "" ? "" : `, ${from} before`}`
    : `would roll back ${placeOf(plan)} from ${from} to ${to}`;
  const path = pathName(plan);
  const names = urls.length === 0 ? "" : `names: ${urls.join(" ")}\n`;
  return `${what}\n${path}: ${WAYS[path] ?? "it is not known how"}\n${names}${changesText(plan)}`;
}

/** The settings that are others after the switch; empty when none is. */
function changesText({ fromSettings, toSettings }: Switch): string {
  if (fromSettings === undefined || toSettings === undefined) return "";
  const rows = changedRows(shownApp(fromSettings), shownApp(toSettings));
  return rows.length === 0 ? "" : `\n${table(["SETTING", "NOW", "AFTERWARDS"], rows)}`;
}
