/** The plan of an environment: what it has and serves, what it shall have, and the changes between them. */
import { digestOf } from "../../../../pkg/hash/mod.ts";
import {
  appCells,
  type Cell,
  type Cells,
  HIDDEN,
  settingOf,
  sizeCells,
} from "../../internal/deployments/app/cells.ts";
import { type AppSettings, mergeApps } from "../../internal/deployments/app/settings.ts";
import { mergeSizes, type SizeSettings } from "../../internal/deployments/size.ts";

/** The wish of a caller. Values of variables are digests here. */
export interface Wanted {
  readonly size: SizeSettings;
  readonly settings: AppSettings;
  /** `undefined`: it is not compared. */
  readonly appProtocol: string | undefined;
  readonly idleEndSeconds: number | undefined;
  readonly variables: ReadonlyMap<string, string>;
  /** Variables that must have a value, whichever it is. */
  readonly requiredVariables: readonly string[];
  /** Host name to the name that its requests are sent to; empty: they are served. */
  readonly domains: ReadonlyMap<string, string>;
  readonly prune: boolean;
}

/** The values that the environment has. */
export interface Stored {
  readonly size: SizeSettings;
  readonly sizeSetAtMs: number;
  readonly settings: AppSettings;
  /** `undefined`: the operator's value holds. */
  readonly idleEndSeconds: number | undefined;
  /** Name to digest. */
  readonly variables: ReadonlyMap<string, string>;
  /** The wanted ones that are there. */
  readonly domains: ReadonlyMap<string, string>;
}

/** The deployment that the environment serves. */
export interface Live {
  readonly id: string;
  readonly createdAtMs: number;
  readonly size: SizeSettings;
  /** The settings of its request. */
  readonly own: AppSettings;
  /** All settings that hold for it, but for those of the number of instances. */
  readonly settings: AppSettings;
  readonly appProtocol: string;
  readonly variables: ReadonlyMap<string, string>;
}

export type Action = "set" | "remove" | "none";
/** When what runs has the wanted value. */
export type Effect = "none" | "at_once" | "redeploy" | "deploy";

export interface Change {
  readonly setting: string;
  readonly live: string | undefined;
  readonly stored: string | undefined;
  readonly wanted: string | undefined;
  readonly action: Action;
  readonly effect: Effect;
}

export interface Plan {
  /** By name; those of the action `none` wait for a deploy. */
  readonly changes: readonly Change[];
  /** The environment's, after an apply. */
  readonly size: SizeSettings;
  readonly settings: AppSettings;
  /** Names to remove. */
  readonly removedVariables: readonly string[];
}

/** Values that are not the environment's own, in words. */
export const WORDS = { operator: "operator's", never: "never", http1: "http1", serves: "serves" } as const;

/** The same values give the same plan, in the same order. */
export function planChanges(wanted: Wanted, stored: Stored, live: Live | undefined): Plan {
  const size = wanted.prune ? wanted.size : mergeSizes(stored.size, wanted.size);
  const settings = settingsAfter(wanted, stored.settings);
  const kept = new Set([...wanted.variables.keys(), ...wanted.requiredVariables]);
  const removed = wanted.prune ? [...stored.variables.keys()].filter((name) => !kept.has(name)).sort() : [];
  const variables = new Map([...stored.variables, ...wanted.variables]);
  for (const name of removed) variables.delete(name);
  // What runs is scaled, and sleeps, by the environment's present settings, unless it has its own.
  const scaling = live === undefined ? undefined : live.own.scaling ?? stored.settings.scaling;
  const sleepSeconds = live === undefined ? undefined : live.own.sleepSeconds ?? stored.settings.sleepSeconds;
  const { scaling: _, sleepSeconds: _sleep, ...fixed } = live?.settings ?? {};
  const runs: AppSettings = {
    ...fixed,
    ...(scaling === undefined ? {} : { scaling }),
    ...(sleepSeconds === undefined ? {} : { sleepSeconds }),
  };
  const effectOf = effects(live);
  const sizeSetAtMs = stored.sizeSetAtMs;
  const changes = [
    ...compare(
      sizeCells(stored.size),
      sizeCells(size),
      sizeCells(live?.size ?? {}),
      (_name, action) => effectOf.size(action, sizeSetAtMs),
    ),
    ...compare(appCells(stored.settings), appCells(settings), appCells(runs), effectOf.setting),
    ...compare(hidden(stored.variables), hidden(variables), hidden(live?.variables), effectOf.variable),
    ...protocolChange(wanted, live),
    ...domainChanges(wanted, stored),
    ...idleEndChange(wanted, stored),
  ];
  const shown = live === undefined ? changes.filter(({ action }) => action !== "none") : changes;
  return {
    changes: shown.sort((a, b) => a.setting < b.setting ? -1 : 1),
    size,
    settings,
    removedVariables: removed,
  };
}

/** The same text is the same plan, made from the same state. */
export function fingerprintOf(wanted: Wanted, stored: Stored, live: Live | undefined): string {
  const entries = (map: ReadonlyMap<string, string>) => [...map].sort(([a], [b]) => a < b ? -1 : 1);
  return digestOf({
    wanted: {
      ...wanted,
      variables: entries(wanted.variables),
      requiredVariables: [...wanted.requiredVariables].sort(),
      domains: entries(wanted.domains),
    },
    stored: { ...stored, variables: entries(stored.variables), domains: entries(stored.domains) },
    live: live?.id ?? "",
  });
}

/** Each value of the scaling that is given replaces the one that is kept; a health check replaces the former as a whole. */
function settingsAfter({ settings, prune }: Wanted, stored: AppSettings): AppSettings {
  if (prune) return settings;
  const { scaling } = settings;
  const merged = mergeApps(stored, settings);
  return scaling === undefined ? merged : { ...merged, scaling: { ...stored.scaling, ...scaling } };
}

type EffectOf = (name: string, action: Action) => Effect;

function effects(live: Live | undefined) {
  const own = new Set([...appCells(live?.own ?? {}).keys()].map(settingOf));
  const setting: EffectOf = (name) => {
    if (live === undefined) return "deploy";
    if (own.has(settingOf(name))) return "deploy";
    return ["scaling", "sleepAfter"].includes(settingOf(name)) ? "at_once" : "redeploy";
  };
  return {
    setting,
    variable: (): Effect => live === undefined ? "deploy" : "redeploy",
    /** A redeploy keeps the size of its deployment, unless the environment's was set since. */
    size: (action: Action, setAtMs: number): Effect =>
      live === undefined || action === "none" && setAtMs < live.createdAtMs ? "deploy" : "redeploy",
  };
}

/** A row for each value that an apply changes, and for each that is stored and does not run. */
function compare(stored: Cells, after: Cells, live: Cells, effectOf: EffectOf): Change[] {
  const names = new Set([...stored.keys(), ...after.keys()]);
  return [...names].flatMap((setting) => {
    const [was, now, runs] = [stored.get(setting), after.get(setting), live.get(setting)];
    const action = was?.key === now?.key ? "none" : now === undefined ? "remove" : "set";
    const isLive = runs?.key === now?.key;
    if (action === "none" && isLive) return [];
    const effect = effectOf(setting, action);
    return [{
      setting,
      live: runs?.shown,
      stored: was?.shown,
      wanted: shownAfter(now, action === "none" ? runs : was),
      action,
      effect: isLive && effect !== "at_once" ? "none" : effect,
    }];
  });
}

/** A hidden value that differs says so. */
function shownAfter(now: Cell | undefined, was: Cell | undefined): string | undefined {
  return now?.shown === HIDDEN && was !== undefined && was.key !== now.key ? "(another value)" : now?.shown;
}

function hidden(variables: ReadonlyMap<string, string> = new Map()): Cells {
  return new Map([...variables].map(([name, key]) => [`variables.${name}`, { shown: HIDDEN, key }]));
}

function domainChanges({ domains }: Wanted, { domains: former }: Stored): Change[] {
  const text = (to: string | undefined) =>
    to === undefined ? undefined : to === "" ? WORDS.serves : `redirects to ${to}`;
  return [...domains].filter(([name, to]) => former.get(name) !== to).map(([name, to]): Change => {
    const stored = text(former.get(name));
    return {
      setting: `domains.${name}`,
      live: stored,
      stored,
      wanted: text(to),
      action: "set",
      effect: "at_once",
    };
  });
}

/** Each deployment has its own, so that only a deploy changes it. */
function protocolChange({ appProtocol }: Wanted, live: Live | undefined): Change[] {
  if (appProtocol === undefined || live === undefined || live.appProtocol === appProtocol) return [];
  const wanted = appProtocol === "" ? WORDS.http1 : appProtocol;
  const runs = live.appProtocol === "" ? WORDS.http1 : live.appProtocol;
  return [{ setting: "protocol", live: runs, stored: undefined, wanted, action: "none", effect: "deploy" }];
}

function idleEndChange({ idleEndSeconds }: Wanted, { idleEndSeconds: former }: Stored): Change[] {
  if (idleEndSeconds === undefined || idleEndSeconds === former) return [];
  const text = (seconds: number | undefined) =>
    seconds === undefined ? WORDS.operator : seconds === 0 ? WORDS.never : timeText(seconds);
  const [stored, wanted] = [text(former), text(idleEndSeconds)];
  return [{ setting: "idleEnd", live: stored, stored, wanted, action: "set", effect: "at_once" }];
}

/** As `unkey.json` has it: in the largest unit that holds the time exactly, e.g. `7d`. */
function timeText(seconds: number): string {
  const units = [["d", 86_400], ["h", 3_600], ["m", 60]] as const;
  const [name, size] = units.find(([, size]) => seconds % size === 0) ?? ["s", 1];
  return `${seconds / size}${name}`;
}
