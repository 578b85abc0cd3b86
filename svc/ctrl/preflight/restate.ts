import { z } from "zod";
import { fieldName, type Secret } from "../../../pkg/config/mod.ts";
import { type ClockSource, failed, ok, type Probe, warning } from "../../../pkg/preflight/mod.ts";
import { askAt, socketOf } from "../../../pkg/unix_http/mod.ts";
import { RESTATE_FIELDS } from "../worker/config/restate.ts";

export interface IngressSettings {
  readonly restateUrl: string;
  readonly restateApiKey: Secret | undefined;
}

export interface AdminSettings {
  readonly restateAdminUrl: string;
  readonly restateApiKey: Secret | undefined;
  /** As Restate reaches the worker; `undefined`: on this machine. */
  readonly restateRegisterAs: string | undefined;
}

const Version = z.object({ version: z.string() });
/** The first one that takes the retry policies of services from their worker. */
const VERSION_MIN = [1, 5] as const;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Asks Restate's ingress whether it takes calls. */
export function ingressProbe({ restateUrl, restateApiKey }: IngressSettings): Probe {
  const setting = fieldName(RESTATE_FIELDS.restateUrl);
  return {
    subject: "restate ingress",
    advice: `Check ${setting}, and that a Restate server runs there.`,
    async ask(signal) {
      const { ok: answers, status } = await askAt(restateUrl, "/restate/health", {
        signal,
        headers: bearer(restateApiKey),
      });
      if (answers) return ok(`${restateUrl} takes calls.`);
      return failed(`${restateUrl} answered ${status}.`, adviceFor(status, setting));
    },
  };
}

/** Asks Restate's admin API for its version, and for what only the credentials give. */
export function adminProbe(settings: AdminSettings): Probe {
  const { restateAdminUrl: url, restateApiKey } = settings;
  const setting = fieldName(RESTATE_FIELDS.restateAdminUrl);
  return {
    subject: "restate admin",
    advice: `Check ${setting}, and that a Restate server runs there.`,
    async ask(signal) {
      const init = { signal, headers: { accept: "application/json", ...bearer(restateApiKey) } };
      const { ok: lists, status } = await askAt(url, "/deployments", init);
      if (!lists) return failed(`${url} answered ${status}.`, adviceFor(status, setting));
      const { version } = Version.parse(JSON.parse((await askAt(url, "/version", init)).text));
      if (!isRecent(version)) {
        const needed = VERSION_MIN.join(".");
        return failed(`Restate ${version} is too old.`, `Upgrade it to ${needed} or newer.`);
      }
      return unreachableWorker(settings) ?? ok(`Restate ${version} answers.`);
    },
  };
}

/** Restate's clock, by the date of its answers. */
export function restateClock({ restateUrl }: IngressSettings): ClockSource {
  return {
    name: "Restate",
    read: async (signal) => {
      const { date } = await askAt(restateUrl, "/restate/health", { signal });
      const ms = Date.parse(date ?? "");
      return Number.isNaN(ms) ? undefined : ms;
    },
  };
}

/** A Restate of another machine cannot reach a worker by the name of its own. */
function unreachableWorker({ restateAdminUrl, restateRegisterAs }: AdminSettings) {
  const restateIsHere = socketOf(restateAdminUrl) !== undefined ||
    LOOPBACK.test(new URL(restateAdminUrl).hostname);
  const workerIsHere = restateRegisterAs === undefined || LOOPBACK.test(new URL(restateRegisterAs).hostname);
  if (restateIsHere || !workerIsHere) return undefined;
  return warning(
    `Restate at ${restateAdminUrl} would look for the worker on its own machine.`,
    `Give the worker's URL as Restate reaches it with ${fieldName(RESTATE_FIELDS.restateRegisterAs)}.`,
  );
}

function bearer(key: Secret | undefined): Record<string, string> {
  return key === undefined ? {} : { authorization: `Bearer ${key.reveal()}` };
}

function adviceFor(status: number, setting: string): string {
  return status === 401 || status === 403
    ? `Give the token of the Restate server with ${RESTATE_FIELDS.restateApiKey.env}.`
    : `Check ${setting}: is it another server, or a proxy in front of it?`;
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return major > VERSION_MIN[0] || (major === VERSION_MIN[0] && minor >= VERSION_MIN[1]);
}
