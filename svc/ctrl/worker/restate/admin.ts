/** Restate's admin API: registers workers, and sets the address at which workflows go on. */
import { z } from "zod";
import type { Secret } from "../../../../pkg/config/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { type Answered, askAt } from "../../../../pkg/unix_http/mod.ts";

/** Address and credentials of the admin API. */
export interface RestateAdmin {
  /** E.g. `http://127.0.0.1:9070`, or `unix:///data/admin.sock`. */
  readonly adminUrl: string;
  readonly apiKey?: Secret;
}

/** Workers as Restate knows them: one for each registration, with where its workflows go on. */
export interface KnownWorker {
  readonly id: string;
  /** Without a slash at its end; `undefined` for what is not reached by HTTP. */
  readonly uri: string | undefined;
  readonly services: readonly string[];
  /** Time of its first registration. */
  readonly createdMs: number;
}

const REQUEST_MS_MAX = 30_000;
/** Restate's code for a worker that it cannot ask for its services. */
const UNREACHABLE = "META0003";

const Registered = z.object({ id: z.string() });
const Listed = z.object({
  deployments: z.array(z.object({
    id: z.string(),
    uri: z.string().optional(),
    created_at: z.string().optional(),
    services: z.array(z.object({ name: z.string() })),
  })),
});

/** Registers the worker at `uri`, in place of its former registration, and returns the registration's id. */
export async function register(admin: RestateAdmin, uri: string, signal: AbortSignal): Promise<string> {
  const answer = await ask(admin, "POST", "/deployments", { uri, force: true }, signal);
  return Registered.parse(JSON.parse(orThrow(answer).text)).id;
}

/** Every worker that ever registered. */
export async function listWorkers(admin: RestateAdmin, signal: AbortSignal): Promise<readonly KnownWorker[]> {
  const answer = orThrow(await ask(admin, "GET", "/deployments", undefined, signal));
  return Listed.parse(JSON.parse(answer.text)).deployments.map(({ id, uri, services, created_at }) => ({
    id,
    uri: uri === undefined ? undefined : withoutSlash(uri),
    services: services.map(({ name }) => name),
    createdMs: Date.parse(created_at ?? "") || 0,
  }));
}

/** True when Restate itself reaches the worker at `uri`. Nothing is changed. */
export async function reaches(admin: RestateAdmin, uri: string, signal: AbortSignal): Promise<boolean> {
  const answer = await ask(admin, "POST", "/deployments", { uri, force: true, dry_run: true }, signal);
  if (!answer.ok && answer.text.includes(UNREACHABLE)) return false;
  orThrow(answer);
  return true;
}

/** Lets the workflows of a registration go on at `uri`. */
export async function pointAt(
  admin: RestateAdmin,
  id: string,
  uri: string,
  signal: AbortSignal,
): Promise<void> {
  orThrow(await ask(admin, "PATCH", `/deployments/${id}`, { uri }, signal));
}

/** As Restate gives URLs back. */
export function withoutSlash(uri: string): string {
  return uri.replace(/(?<!\/)\/+$/, "");
}

interface Answer extends Answered {
  /** Method and path of the request. */
  readonly what: string;
}

async function ask(
  { adminUrl, apiKey }: RestateAdmin,
  method: "GET" | "POST" | "PATCH",
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const answer = await askAt(adminUrl, path, {
      method,
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS_MAX)]),
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey.reveal()}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { ...answer, what: `${method} ${path}` };
  } catch (error) {
    const publicMessage =
      "Restate's admin API does not answer: check --restate-admin-url, and that Restate runs.";
    throw new Fault("unavailable", `no answer from ${adminUrl}`, { publicMessage, cause: error });
  }
}

function orThrow(answer: Answer): Answer {
  if (answer.ok) return answer;
  const { what, status, text } = answer;
  throw new Fault("unavailable", `${what} was answered with ${status}: ${text.slice(0, 500)}`, {
    publicMessage: status === 401 || status === 403
      ? "Restate refuses the credentials: check UNKEY_RESTATE_API_KEY."
      : "Restate cannot use this worker: check that it reaches the worker at --restate-register-as, and that " +
        "it signs with the private key of one in --restate-identity-keys.",
  });
}
