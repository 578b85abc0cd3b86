import { Buffer } from "node:buffer";
import type { z } from "zod";
import { jsonProblem } from "../../../../pkg/rpc/mod.ts";
import { ProblemError } from "./problem.ts";

/** Room for a Dockerfile, arguments and secrets of a build at their limits, escaped as JSON. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;
const ERRORS_MAX = 20;

/** Reads and checks a JSON body. @throws `ProblemError` with status 400 or 413 */
export async function readBody<S extends z.ZodType>(
  request: Request,
  path: string,
  schema: S,
): Promise<z.output<S>> {
  const parsed = schema.safeParse(parseJson(await readBytes(request)));
  if (parsed.success) return parsed.data;
  throw new ProblemError({
    status: 400,
    type: "application/invalid_input",
    detail: `POST request body for '${path}' failed to validate schema`,
    errors: parsed.error.issues.slice(0, ERRORS_MAX).map(({ path: at, message }) => ({
      location: ["body", ...at.map(String)].join("."),
      message,
    })),
  });
}

function parseJson(bytes: Uint8Array): unknown {
  const problem = jsonProblem(bytes);
  if (problem !== undefined) {
    throw new ProblemError({ status: 400, type: "application/invalid_input", detail: problem });
  }
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // The text is not quoted: it may hold a credential in the wrong place.
    throw new ProblemError({
      status: 400,
      type: "application/invalid_input",
      detail: "The request body is not valid JSON.",
    });
  }
}

async function readBytes(request: Request): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > BODY_BYTES_MAX) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): ProblemError {
  return new ProblemError({
    status: 413,
    type: "application/payload_too_large",
    detail: `The request body has more than ${BODY_BYTES_MAX / 1024} KiB.`,
  });
}
