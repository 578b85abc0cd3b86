/** Calls of REST routes whose every answer is held against the OpenAPI document. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import assert from "node:assert/strict";
import { openApiDocument } from "./document.ts";
import { ROUTES } from "./routes.ts";

const LINES_TYPE = "application/x-ndjson";
const DOCUMENT = structuredClone(openApiDocument(ROUTES, "test"));
closeObjects(DOCUMENT);
const ajv = new Ajv2020({ strict: false, formats: { uri: (text: string) => URL.canParse(text) } });
ajv.addSchema(DOCUMENT, "document");
const compiled = new Map<string, ValidateFunction>();

/** In tests an answer has no field that the document does not name. */
function closeObjects(node: unknown): void {
  if (typeof node !== "object" || node === null) return;
  if ("type" in node && node.type === "object" && "properties" in node && !("additionalProperties" in node)) {
    Object.assign(node, { additionalProperties: false });
  }
  for (const [name, child] of Object.entries(node)) if (name !== "example") closeObjects(child);
}

type Path = readonly (string | number)[];

/** The value at a place of a document; `undefined` when there is none. */
export function valueAt(document: unknown, path: Path): unknown {
  let node = document;
  for (const part of path) {
    if (typeof node !== "object" || node === null) return undefined;
    node = Object.getOwnPropertyDescriptor(node, part)?.value;
  }
  return node;
}

/** Fails when a value does not have the form at this place of the document. */
export function assertForm(value: unknown, path: Path): void {
  assert.notEqual(valueAt(DOCUMENT, path), undefined, `the document has no ${path.join(" ")}`);
  const pointer = path.map((each) => String(each).replaceAll("~", "~0").replaceAll("/", "~1"));
  const reference = `document#/${pointer.map(encodeURIComponent).join("/")}`;
  const validate = compiled.get(reference) ?? ajv.compile({ $ref: reference });
  compiled.set(reference, validate);
  assert.ok(validate(value), `${ajv.errorsText(validate.errors)}, in ${JSON.stringify(value)}`);
}

/**
 * `fetch` of a REST route. It fails when the answer has a status, a type, a header or a field that the document does not
 * promise, or lacks one that it does.
 */
export async function checkedFetch(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const { pathname } = new URL(url);
  const { status, headers } = response;
  const isRoute = init.method === "POST" && ROUTES.some(({ path }) => path === pathname);
  const own = ["paths", pathname, "post", "responses", status];
  const path = isRoute && valueAt(DOCUMENT, [...own, "$ref"]) === undefined
    ? own
    : ["components", "responses", isRoute ? status : 404];
  if (isRoute) assert.notEqual(valueAt(DOCUMENT, own), undefined, `${pathname} does not document ${status}`);
  else assert.ok(status === 404 || status === 405, `${pathname} is no route and answers ${status}`);
  const type = headers.get("content-type") ?? "";
  const schema = [...path, "content", type, "schema"];
  assert.match(headers.get("x-request-id") ?? "", /^req_/);
  if (type === LINES_TYPE) return checkedLines(response, [...schema, "x-line"]);
  const body: unknown = await response.clone().json();
  assertForm(body, schema);
  assert.equal(valueAt(body, ["meta", "requestId"]), headers.get("x-request-id"));
  return response;
}

/** The same stream; a line of another form breaks it off. */
function checkedLines(response: Response, path: Path): Response {
  let rest = "";
  const check = new TransformStream<string, string>({
    transform(text, controller) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) assertForm(JSON.parse(line), path);
      controller.enqueue(text);
    },
    flush: () => assert.equal(rest, "", "the last line has no end"),
  });
  const body = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(check)
    .pipeThrough(new TextEncoderStream());
  return new Response(body, { status: response.status, headers: response.headers });
}

/** An answer as the tests look at it. */
export interface Answered {
  readonly status: number;
  /** Of the answer, or of the error. */
  at(...path: Path): unknown;
  readonly data: Readonly<Record<string, unknown>>;
  readonly type: string;
  readonly detail: string;
}

const TYPES = "https://unkey.com/docs/errors/unkey/";

/** Calls a route with a key. */
export async function callRest(
  url: string,
  route: string,
  body: unknown,
  key: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const response = await checkedFetch(`${url}/v2/deploy.${route}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}`, ...headers },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  const data = valueAt(answer, ["data"]);
  return {
    status: response.status,
    at: (...path) => valueAt(answer, ["data", ...path]),
    data: typeof data === "object" && data !== null ? { ...data } : {},
    type: String(valueAt(answer, ["error", "type"]) ?? "").replace(TYPES, ""),
    detail: String(valueAt(answer, ["error", "detail"]) ?? ""),
  };
}
