/** Texts for an app that runs, and does not listen or is not healthy: what was seen, and what to do. */
import { portHint, withHint } from "../../../../pkg/build/explain/mod.ts";
import { type HealthCheck, PORT_DEFAULT } from "../../internal/deployments/app/resolve.ts";

/** Everything about an app that the texts name. */
export interface NotListening {
  /** The port that the app has to listen on. */
  readonly port: number;
  /** Empty: accepting connections is enough. */
  readonly healthCheckPath: string;
  /** The host that the check names; empty where that is not known. */
  readonly healthCheckHost?: string;
  /** The whole check; `undefined` for a deployment of an older version. */
  readonly healthCheck?: CheckFacts | undefined;
  /** The ports that the image says it listens on, where they are known. */
  readonly exposedPorts?: readonly number[];
}

/** The parts of a check that the texts name. */
export type CheckFacts = Pick<HealthCheck, "kind" | "method" | "expectedStatus">;

/** The longest start timeout that a deployment can have. */
const START_SECONDS_MAX = 540;

/** The text. `message` is the agent's: in brackets it says what came back, such as `it answered 401`. */
export function notListeningText(
  facts: NotListening,
  { seconds, message }: { readonly seconds: number; readonly message: string },
): string {
  if (facts.healthCheck?.kind === "command") return commandText(message, seconds);
  const { port, healthCheckPath } = facts;
  const method = facts.healthCheck?.method || "GET";
  const seen = /\(([^()]+)\)/.exec(message)?.[1];
  const answer = seen === undefined ? "" : ` (${seen})`;
  const status = Number(/\banswered (\d{3})\b/.exec(seen ?? "")?.[1]);
  const listening = `It must listen on 0.0.0.0:$PORT (PORT is ${port})`;
  if (healthCheckPath === "") {
    const text = `The app runs, but nothing listened on port ${port} within ${seconds} s${answer}. ` +
      `${listening}; listening on localhost only is not enough.`;
    return withHints(
      text,
      portHint(port, facts.exposedPorts ?? []),
      exposedHint(facts),
      WORKER_HINT,
      slowStartHint(seconds),
    );
  }
  const failed =
    `The app runs, but its health check ${method} ${healthCheckPath} on port ${port} did not succeed within ` +
    `${seconds} s${answer}.`;
  if (status >= 400 && status < 500) return `${failed} ${answeredHint(status, facts)}`;
  const text = Number.isNaN(status)
    ? `${failed} ${listening} and answer that path with ${wantedOf(facts)}.`
    : `${failed} That path must answer with ${wantedOf(facts)}.`;
  return withHints(
    text,
    portHint(port, facts.exposedPorts ?? []),
    exposedHint(facts),
    slowStartHint(seconds),
  );
}

/** The command of an image need not ask the port at all. */
function commandText(message: string, seconds: number): string {
  const seen = /, fails \((.+?)\)\./.exec(message)?.[1];
  const text = "The app runs, but its health check, the HEALTHCHECK of its image, did not succeed within " +
    `${seconds} s${
      seen === undefined ? "" : ` (${seen})`
    }. Another one: unkey deploy --health-check-type port, or ` +
    "--health-check-path.";
  const hint = slowStartHint(seconds);
  return hint === undefined ? text : withHint(text, hint);
}

function wantedOf({ healthCheck }: NotListening): string {
  return healthCheck?.expectedStatus || "2xx or 3xx";
}

/** An app of which the image names another port is no worker, and not slow. */
function withHints(
  text: string,
  otherPort: string | undefined,
  ...hints: readonly (string | undefined)[]
): string {
  if (otherPort !== undefined) return withHint(text, otherPort);
  return hints.reduce<string>((whole, hint) => hint === undefined ? whole : withHint(whole, hint), text);
}

/** An image may expose a port of long ago, on which its app does not listen. */
function exposedHint({ port, exposedPorts = [] }: NotListening): string | undefined {
  if (port === PORT_DEFAULT || !exposedPorts.includes(port)) return undefined;
  return `Port ${port} is the one that the image exposes: if the app listens on another one, deploy with --port, e.g. ` +
    `--port ${PORT_DEFAULT}.`;
}

const WORKER_HINT =
  "A worker or cron job that takes no requests needs no port: unkey deploy --health-check-type none.";

/** Statuses of frameworks that refuse a host: Django's ALLOWED_HOSTS, Rails' config.hosts. */
const HOST_REFUSED: readonly number[] = [400, 403, 421];
const LOGIN_WANTED: readonly number[] = [401, 403];

/** For an app that listens and refuses the check. */
function answeredHint(status: number, facts: NotListening): string {
  const { healthCheckHost = "" } = facts;
  const login = LOGIN_WANTED.includes(status) ? ", without a login" : "";
  const host = HOST_REFUSED.includes(status) && healthCheckHost !== ""
    ? ` The check names the host ${healthCheckHost}: the app's list of allowed hosts must have it, or all that end with ` +
      `${parentOf(healthCheckHost)}.`
    : "";
  return `That path must answer with ${
    wantedOf(facts)
  }${login}.${host} Another one: unkey deploy --health-check-path.`;
}

/** `.localhost` of `shop-acme.localhost`. */
function parentOf(host: string): string {
  return host.slice(Math.max(0, host.indexOf(".")));
}

function slowStartHint(seconds: number): string | undefined {
  if (seconds >= START_SECONDS_MAX) return undefined;
  const longer = Math.min(2 * seconds, START_SECONDS_MAX);
  return `If it needs longer to start: unkey deploy --start-timeout ${longer}s.`;
}
