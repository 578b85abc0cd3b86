/** The OpenAPI 3.1 document of the REST routes, made from the schemas that check bodies and type answers. */
import { z } from "zod";
import type { Policy } from "../policies.ts";
import { policyOf } from "../policies.ts";
import { BODY_BYTES_MAX } from "./body.ts";
import { IDEMPOTENCY_KEY_CHARACTERS_MAX } from "../../services/deployment/create_request.ts";
import { NAMED, NAMES, RULES } from "./named.ts";
import { problemExample } from "./problem.ts";
import { type AnswerSpec, type OwnProblem, type Route, TAGS } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

const SCHEMAS = "#/components/schemas/";
const JSON_TYPE = "application/json";
const LINES_TYPE = "application/x-ndjson";

/** Statuses of failures that every route can have, with the part of a problem's type that says why. */
const PROBLEMS = {
  400: ["Bad request: no credentials, or a body that breaks its schema.", "application/invalid_input"],
  401: ["The root key is unknown or revoked.", "authentication/key_not_found"],
  403: ["The root key lacks the permission that the route needs.", "authorization/insufficient_permissions"],
  404: ["The object does not exist, or belongs to another workspace.", "data/project_not_found"],
  408: ["The client went away before the answer.", "application/request_timeout"],
  409: ["There is one of this name already.", "data/conflict"],
  412: [
    "The state of the object does not allow it; `detail` says what would.",
    "application/precondition_failed",
  ],
  413: ["The body, or what it would make, is too large.", "application/payload_too_large"],
  429: ["A limit of the workspace, or too many wrong credentials.", "application/rate_limited"],
  500: [
    "A fault of the platform. Its request id leads to the reason in its log.",
    "application/unexpected_error",
  ],
  503: ["A part of the platform cannot be reached now. Try again.", "application/service_unavailable"],
} as const satisfies Record<number, readonly [about: string, type: string]>;
type ProblemStatus = keyof typeof PROBLEMS;

const EVERYWHERE: readonly Exclude<ProblemStatus, OwnProblem>[] = [400, 401, 403, 408, 413, 429, 500, 503];

const ABOUT =
  `The routes of the Unkey deployment platform. They do what the command line and the RPCs do, with the same
permissions, limits and audit log.

- **Routes** take POST with a JSON body of at most ${
    BODY_BYTES_MAX / 1024 / 1024
  } MiB. Unknown fields are refused.
- **Answers** are \`{"meta":{"requestId"},"data":…}\`, failures \`{"meta":{"requestId"},"error":…}\`. Answers may get
  new fields at any time: a client ignores those that it does not know.
- **Request ids** are in the body and in the header \`X-Request-Id\`. The platform's log has them.
- **Pages**: a list that has \`limit\` answers with a \`cursor\` while there is more; send it with the same fields.
- **Limits**: see \`/v2/deploy.listLimits\`. At a limit the status is 429, with \`Retry-After\` when waiting helps.
- **Repeating**: \`Idempotency-Key\` makes a create safe to repeat: the answer is that of the first one.
- **Streams** are lines of JSON (\`application/x-ndjson\`), with a heartbeat at the start and after 5 s without a line.
- **Times** are milliseconds since 1970-01-01T00:00:00Z.
`;

/** The document as a JSON value. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "Unkey deployments",
      version,
      description: ABOUT,
      license: { name: "Apache 2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ rootKey: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(routes.map((route) => [route.path, { post: operation(route) }])),
    components: {
      securitySchemes: {
        rootKey: {
          type: "http",
          scheme: "bearer",
          description: "A root key: `unkey keys create`, or `/v2/deploy.createRootKey`.",
        },
      },
      parameters: { idempotencyKey: IDEMPOTENCY_KEY },
      headers: { requestId: REQUEST_ID, retryAfter: RETRY_AFTER },
      responses: Object.fromEntries(
        Object.entries(PROBLEMS).map((
          [status, [about, type]],
        ) => [status, problem(Number(status), about, type)]),
      ),
      schemas: { Meta: META, ...componentSchemas(routes) },
    },
  };
}

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  description: "A text of the client's. The same key with the same request creates once.",
  schema: { type: "string", maxLength: IDEMPOTENCY_KEY_CHARACTERS_MAX },
};
const REQUEST_ID = {
  description: "The id of the request, as in the body.",
  schema: { type: "string", pattern: "^req_" },
};
const RETRY_AFTER = {
  description: "Seconds after which it is worth another try.",
  schema: { type: "integer", minimum: 0 },
};

function operation(route: Route): Json {
  const statuses = [...EVERYWHERE, ...route.problems].sort((a, b) => a - b);
  return {
    operationId: route.name,
    tags: [route.tag],
    summary: route.summary,
    description: `Needs ${neededBy(policyOf(route.rpc.parent, route.rpc))}.`,
    ...(route.idempotent === true
      ? { parameters: [{ $ref: "#/components/parameters/idempotencyKey" }] }
      : {}),
    requestBody: {
      required: true,
      content: { [JSON_TYPE]: { schema: { $ref: `${SCHEMAS}${bodyName(route)}` }, example: route.example } },
    },
    responses: {
      ...Object.fromEntries(
        Object.entries(route.answers).map(([status, each]) => [status, success(route, each)]),
      ),
      ...Object.fromEntries(statuses.map((each) => [each, { $ref: `#/components/responses/${each}` }])),
    },
  };
}

function neededBy(policy: Policy): string {
  if (!("permission" in policy) || policy.permission === undefined) return "a root key of the workspace";
  return policy.kind === "workspace"
    ? `the permission \`workspace.${policy.permission}\``
    : `the permission \`project.<id or *>.${policy.permission}\``;
}

const META = {
  type: "object",
  properties: { requestId: { type: "string", pattern: "^req_" } },
  required: ["requestId"],
};
const META_REF = { $ref: `${SCHEMAS}Meta` };
const EXAMPLE_META = { requestId: "req_5fLqcHJ2t9xKs7dR" };

function success(route: Route, { about, schema, example, stream }: AnswerSpec): Json {
  const headers = { "X-Request-Id": { $ref: "#/components/headers/requestId" } };
  const data = `${SCHEMAS}${answerName(route, schema)}`;
  if (stream === true) {
    const text = { type: "string", contentMediaType: JSON_TYPE, "x-line": { $ref: data } };
    return {
      description: about,
      headers,
      content: { [LINES_TYPE]: { schema: text, example: `${JSON.stringify(example)}\n` } },
    };
  }
  return {
    description: about,
    headers,
    content: {
      [JSON_TYPE]: {
        schema: {
          type: "object",
          properties: { meta: META_REF, data: { $ref: data } },
          required: ["meta", "data"],
        },
        example: { meta: EXAMPLE_META, data: example },
      },
    },
  };
}

function problem(status: number, about: string, type: string): Json {
  return {
    description: about,
    headers: {
      "X-Request-Id": { $ref: "#/components/headers/requestId" },
      ...(status === 429 || status === 503
        ? { "Retry-After": { $ref: "#/components/headers/retryAfter" } }
        : {}),
    },
    content: {
      [JSON_TYPE]: {
        schema: {
          type: "object",
          properties: { meta: META_REF, error: { $ref: `${SCHEMAS}Problem` } },
          required: ["meta", "error"],
        },
        example: { meta: EXAMPLE_META, error: problemExample(status, type, about) },
      },
    },
  };
}

function bodyName({ name, body }: Route): string {
  return NAMES.get(body)?.id ?? `${capital(name)}Body`;
}

function answerName({ name }: Route, schema: z.ZodType): string {
  return NAMES.get(schema)?.id ?? `${capital(name)}Data`;
}

function capital(name: string): string {
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}

/** Named schemas, bodies and data of answers, each with its references to the others. */
function componentSchemas(routes: readonly Route[]): Json {
  const registry = z.registry<{ readonly id: string }>();
  const add = (schema: z.ZodType, id: string): void => void registry.add(schema, { id });
  for (const schema of NAMED) add(schema, NAMES.get(schema)?.id ?? "");
  for (const route of routes) {
    add(route.body, bodyName(route));
    for (const { schema } of Object.values(route.answers)) add(schema, answerName(route, schema));
  }
  // The form in which a body arrives: only strict objects refuse further fields, so those of answers may get more.
  const { schemas } = z.toJSONSchema(registry, {
    io: "input",
    uri: (id) => `${SCHEMAS}${id}`,
    override: ({ zodSchema, jsonSchema }) => {
      const description = z.globalRegistry.get(zodSchema)?.description;
      Object.assign(jsonSchema, RULES.get(zodSchema)?.rule, description === undefined ? {} : { description });
    },
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _, $id: __, id: ___, ...schema }]) => [id, schema]),
  );
}
