/** Plans of environments, as commands show them. */
import {
  type EnvironmentPlan,
  PlannedAction as Action,
  type PlannedChange,
  PlannedEffect as Effect,
} from "../../../proto/gen/ctrl/v1/environment_pb.ts";
import { oneLine, table } from "../output.ts";

const ACTIONS = { [Action.UNSPECIFIED]: "none", [Action.SET]: "set", [Action.REMOVE]: "remove" } as const;
const EFFECTS = {
  [Effect.UNSPECIFIED]: "none",
  [Effect.AT_ONCE]: "at_once",
  [Effect.REDEPLOY]: "redeploy",
  [Effect.DEPLOY]: "deploy",
} as const;
const EFFECT_WORDS = { none: "-", at_once: "at once", redeploy: "redeploy", deploy: "deploy" } as const;
/** A cell's characters; --json has all of them. */
const CELL_MAX = 40;

/** A change in printed JSON. What is not set is absent. */
export interface ChangeJson {
  readonly setting: string;
  readonly live?: string;
  readonly stored?: string;
  readonly wanted?: string;
  readonly action: "none" | "set" | "remove";
  readonly effect: "none" | "at_once" | "redeploy" | "deploy";
}

/** A plan in printed JSON. */
export interface PlanJson {
  readonly liveDeploymentId?: string;
  readonly fingerprint: string;
  readonly changes: readonly ChangeJson[];
}

/** @throws `TypeError` for an answer without a plan */
export function planOf(plan: EnvironmentPlan | undefined): EnvironmentPlan {
  if (plan === undefined) throw new TypeError("The control plane answered without a plan.");
  return plan;
}

export function planJson({ changes, fingerprint, liveDeploymentId }: EnvironmentPlan): PlanJson {
  return {
    ...(liveDeploymentId === "" ? {} : { liveDeploymentId }),
    fingerprint,
    changes: changes.map(changeJson),
  };
}

/** The number of changes that an apply makes. */
export function changeCount({ changes }: EnvironmentPlan): number {
  return changes.filter(({ action }) => action !== Action.UNSPECIFIED).length;
}

/** All rows, and below them a sentence. */
export function planText(plan: EnvironmentPlan, place: string): string {
  const live = plan.liveDeploymentId === "" ? "nothing is live" : `${plan.liveDeploymentId} is live`;
  const rows = plan.changes.map((change) => {
    const { setting, live = "", stored = "", action, effect, ...json } = changeJson(change);
    const wanted = action === "remove" ? "(removed)" : json.wanted ?? "";
    const waits = action === "none" ? "waits: " : "";
    return [setting, live, stored, wanted, `${waits}${EFFECT_WORDS[effect]}`].map(cell);
  });
  const shown = rows.length === 0 ? "" : table(["SETTING", "RUNS", "STORED", "WANTED", "RUNS WITH"], rows);
  return `${shown}${place}, ${live}: ${summary(plan)}\n`;
}

/** The commands that show the records of domains that were added, or nothing. */
export function recordsText({ changes }: EnvironmentPlan): string {
  const prefix = "domains.";
  return changes.filter(({ setting, stored }) => setting.startsWith(prefix) && stored === undefined)
    .map(({ setting }) =>
      `Its records, and what is wrong with them: unkey domains verify ${setting.slice(prefix.length)}\n`
    )
    .join("");
}

/** The command that gives what runs the stored values, or nothing. */
export function waitingText({ changes }: EnvironmentPlan, environment: string): string {
  const effects = new Set(changes.map(({ effect }) => effect));
  if (effects.has(Effect.DEPLOY)) {
    return `What runs gets it with the next deploy: unkey deploy --env ${environment}\n`;
  }
  if (effects.has(Effect.REDEPLOY)) return `Give it to what runs now: unkey redeploy --env ${environment}\n`;
  return "";
}

function summary(plan: EnvironmentPlan): string {
  const count = changeCount(plan);
  const waiting = plan.changes.length - count;
  const changes = count === 0 ? "nothing to change" : count === 1 ? "1 change" : `${count} changes`;
  if (waiting === 0) return changes;
  return `${changes}, ${waiting} waiting`;
}

function changeJson({ setting, live, stored, wanted, action, effect }: PlannedChange): ChangeJson {
  return {
    setting,
    ...(live === undefined ? {} : { live }),
    ...(stored === undefined ? {} : { stored }),
    ...(wanted === undefined ? {} : { wanted }),
    action: ACTIONS[action],
    effect: EFFECTS[effect],
  };
}

function cell(value: string): string {
  const text = oneLine(value);
  return text.length > CELL_MAX ? `${text.slice(0, CELL_MAX - 1)}…` : text;
}
