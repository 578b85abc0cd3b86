/** Values of the agent's settings that come as lists: their schemas, and their text. */
import { isIP } from "node:net";
import { z } from "zod";
import { listSchema, textSchema } from "../../pkg/config/mod.ts";
import type { Toleration } from "./internal/runtime/kubernetes/settings.ts";

type Pairs = Readonly<Record<string, string>>;

export function noneIsEmpty(values: readonly string[]): readonly string[] {
  return values.length === 1 && values[0] === "none" ? [] : values;
}

/** The text that stands for these entries where the default is not an empty list. */
export function listText(entries: readonly string[]): string {
  return entries.length === 0 ? "none" : entries.join(",");
}

export function nameSchema(): z.ZodType<string | undefined> {
  return textSchema().refine((name) => name === undefined || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name), {
    message: "must be the name of a Kubernetes object",
  });
}

export function pairsSchema(): z.ZodType<Pairs> {
  return listSchema([]).transform((entries, context): Pairs => {
    const pairs = entries.map((entry) => /^([^=]+)=(.*)$/.exec(entry) ?? []);
    if (pairs.every(([, key]) => key !== undefined)) {
      return Object.fromEntries(pairs.map(([, key = "", value = ""]) => [key, value]));
    }
    context.addIssue({ code: "custom", message: "must be pairs, e.g. pool=apps,disk=ssd" });
    return z.NEVER;
  });
}

/** Labels that the agent's own do not depend on. */
export function labelsSchema(): z.ZodType<Pairs> {
  return pairsSchema().refine((pairs) => Object.values(pairs).every((value) => LABEL_VALUE.test(value)), {
    message: "must have values of at most 63 letters, digits, dots, dashes and underscores",
  }).refine(areKeys, { message: KEYS_WRONG }).refine(areForeign, { message: KEYS_OWN });
}

export function annotationsSchema(): z.ZodType<Pairs> {
  return pairsSchema().refine(areKeys, { message: KEYS_WRONG }).refine(areForeign, { message: KEYS_OWN });
}

const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
const KEY =
  /^(?=.{1,317}$)([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const KEYS_WRONG = "must have keys as Kubernetes takes them, e.g. team or example.com/team";
const KEYS_OWN =
  "must not have keys of the agent's own: unkey.com/..., app.kubernetes.io/managed-by and app.kubernetes.io/component";

function areKeys(pairs: Pairs): boolean {
  return Object.keys(pairs).every((key) => KEY.test(key));
}

function areForeign(pairs: Pairs): boolean {
  return Object.keys(pairs).every((key) =>
    !/^(unkey\.com\/|app\.kubernetes\.io\/(managed-by|component)$)/.test(key)
  );
}

export function choiceSchema<const T extends string>(choices: readonly [T, ...T[]]): z.ZodType<T> {
  return z.enum(choices, { error: `must be ${choices.join(" or ")}` }).default(choices[0]);
}

/** With or without the `CAP_` that other programs write. */
export function capabilitiesSchema(fallback: readonly string[]): z.ZodType<readonly string[]> {
  return listSchema(fallback).transform(noneIsEmpty)
    .transform((names) => names.map((name) => name.toUpperCase().replace(/^CAP_/, "")))
    .refine((names) => names.every((name) => /^[A-Z][A-Z_]{1,40}$/.test(name) && name !== "ALL"), {
      message: "must be names of capabilities, e.g. CHOWN,SETUID",
    });
}

export function addressesSchema(): z.ZodType<readonly string[]> {
  return listSchema([]).refine((addresses) => addresses.every((address) => isIP(address) !== 0), {
    message: "must be addresses, e.g. 169.254.20.10,fd00::a",
  });
}

export function pairsText(pairs: Pairs): string {
  return Object.entries(pairs).map(([key, value]) => `${key}=${value}`).join(",");
}

export function tolerationsText(tolerations: readonly Toleration[]): string {
  return listText(
    tolerations.map(({ key, value, effect, seconds }) =>
      key + (value === undefined ? "" : `=${value}`) + (effect === undefined ? "" : `:${effect}`) +
      (seconds === undefined ? "" : `:${seconds}`)
    ),
  );
}

/** Seconds have a meaning for `NoExecute` only. */
const TOLERATION =
  /^([^=:]+)(?:=([^=:]*))?(?::(NoSchedule|PreferNoSchedule|NoExecute(?=$|:)))?(?:(?<=:NoExecute):(\d{1,8}))?$/;

export function tolerationsSchema(fallback: string): z.ZodType<readonly Toleration[]> {
  return listSchema([fallback]).transform(noneIsEmpty).transform(
    (entries, context): readonly Toleration[] => {
      const found: Toleration[] = [];
      for (const entry of entries) {
        const [, key, value, effect, seconds] = TOLERATION.exec(entry) ?? [];
        if (key === undefined) {
          context.addIssue({ code: "custom", message: "must be taints, e.g. pool=untrusted:NoSchedule" });
          return z.NEVER;
        }
        found.push({
          key,
          ...(value === undefined ? {} : { value }),
          ...(effect === undefined ? {} : { effect }),
          ...(seconds === undefined ? {} : { seconds: Number(seconds) }),
        });
      }
      return found;
    },
  );
}

export function cidrsSchema(fallback: readonly string[]): z.ZodType<readonly string[]> {
  return listSchema(fallback).transform(noneIsEmpty).refine(
    (cidrs) => cidrs.every((cidr) => /^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}|[0-9a-f:]+\/\d{1,3})$/i.test(cidr)),
    { message: "must be networks, e.g. 10.0.0.0/8,fd00::/8" },
  );
}
