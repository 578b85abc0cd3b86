/** The form of a REST route: all that its description in the OpenAPI document needs, and the use case behind it. */
import type { DescMethod } from "@bufbuild/protobuf";
import type { z } from "zod";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import type { AdminDeps } from "../../services/admin/deps.ts";
import type { DeploymentDeps } from "../../services/deployment/deps.ts";
import type { DomainDeps } from "../../services/domain/deps.ts";
import type { AppSettingsDeps } from "../../services/environment/app_settings.ts";
import type { PlanDeps } from "../../services/environment/plan_environment.ts";
import type { ProtectionDeps } from "../../services/environment/protection_deps.ts";
import type { EnvironmentDeps } from "../../services/environment/create.ts";
import { readBody } from "./body.ts";

/** The parts that the use cases work with. */
export interface RestDeps {
  readonly deployment: DeploymentDeps;
  readonly domain: DomainDeps;
  readonly admin: AdminDeps;
  readonly environment: EnvironmentDeps & AppSettingsDeps & ProtectionDeps & PlanDeps;
}

/** A call that was let in, with its checked body. */
export interface Call<B> {
  readonly deps: RestDeps;
  readonly caller: RootKeyPrincipal;
  readonly body: B;
  /** The header; empty when it was not sent. */
  readonly idempotencyKey: string;
  /** The header `traceparent`. */
  readonly traceParent: string | null;
  readonly signal: AbortSignal;
}

/** The answer of a route that did not fail. */
export interface Answer {
  readonly status: number;
  readonly data: unknown;
}

/** An answer that goes on until the client leaves or everything was sent: one JSON value in each line. */
export interface StreamAnswer {
  readonly status: 200;
  readonly lines: AsyncIterable<unknown>;
}

/** Statuses of failures that some routes have, beside those that all have. */
export type OwnProblem = 404 | 409 | 412;

/** An answer of a route: its data, or with `stream` each line of it. */
export interface AnswerSpec<S extends z.ZodType = z.ZodType> {
  readonly about: string;
  readonly schema: S;
  readonly example: z.input<S>;
  readonly stream?: true;
}

export type Answers = Readonly<Record<number, AnswerSpec>>;

/** An answer with one of the documented statuses and the data that was promised for it. */
type AnswerOf<A extends Answers> = {
  [K in keyof A & number]: A[K] extends { readonly stream: true }
    ? { readonly status: K; readonly lines: AsyncIterable<z.input<A[K]["schema"]>> }
    : { readonly status: K; readonly data: z.input<A[K]["schema"]> };
}[keyof A & number];

/** The description of a route. */
interface Described {
  /** The last part of the path, after `/v2/deploy.`. */
  readonly name: string;
  readonly tag: Tag;
  readonly summary: string;
  /** The RPC with the same use case: its access policy holds here, too. */
  readonly rpc: DescMethod;
  readonly problems: readonly OwnProblem[];
  /** True if the header `Idempotency-Key` is taken. */
  readonly idempotent?: true;
}

export const TAGS = {
  Deployments: "Create deployments, follow them, and end them.",
  Traffic: "Move the traffic of an environment between deployments.",
  Runs: "Commands that run once in a deployment's image.",
  Crons: "Commands that run by the clock while a deployment is live.",
  Output: "What instances print, and what happens to them.",
  Projects: "Projects and their environments.",
  Variables: "Environment variables. Values are never read back.",
  Settings: "The settings of an environment's apps, for its next deployments.",
  Domains: "Custom domains.",
  Keys: "Root keys.",
  Registries: "Credentials for registries, for builds.",
  Workspace: "The workspace's limits, audit log and regions.",
} as const;
export type Tag = keyof typeof TAGS;

/** A route as it is written. */
export interface RouteSpec<B extends z.ZodType, A extends Answers> extends Described {
  readonly body: B;
  readonly example: z.input<B>;
  readonly answers: A;
  readonly run: (call: Call<z.output<B>>) => Promise<AnswerOf<A>>;
}

/** A route as it is served and described. */
export interface Route extends Described {
  readonly path: string;
  readonly body: z.ZodType;
  readonly example: unknown;
  readonly answers: Answers;
  /** True if it answers with lines. */
  readonly streams: boolean;
  /** @throws `Fault` or `ProblemError` */
  readonly answer: (call: Omit<Call<unknown>, "body">, request: Request) => Promise<Answer | StreamAnswer>;
}

/** A route whose answers the compiler has held against the schemas that they are documented with. */
export function defineRoute<B extends z.ZodType, const A extends Answers>(
  { run, ...spec }: RouteSpec<B, A>,
): Route {
  const path = `/v2/deploy.${spec.name}`;
  return {
    ...spec,
    path,
    streams: Object.values<AnswerSpec>(spec.answers).some(({ stream }) => stream === true),
    answer: async (call, request) =>
      await run({ ...call, body: await readBody(request, path, spec.body) }) as Answer | StreamAnswer,
  };
}

/** An answer with data. */
export function answer<S extends z.ZodType>(about: string, schema: S, example: z.input<S>): AnswerSpec<S> {
  return { about, schema, example };
}

/** An answer of lines. */
export function lines<S extends z.ZodType>(
  about: string,
  schema: S,
  example: z.input<S>,
): AnswerSpec<S> & { readonly stream: true } {
  return { about, schema, example, stream: true };
}

export function ok<D>(data: D): { readonly status: 200; readonly data: D } {
  return { status: 200, data };
}

export function created<D>(data: D): { readonly status: 201; readonly data: D } {
  return { status: 201, data };
}

/** The begin of a stream of lines. */
export function streamed<L>(lines: L): { readonly status: 200; readonly lines: L } {
  return { status: 200, lines };
}
