import type { MessageInitShape } from "@bufbuild/protobuf";
import { z } from "zod";
import type { FoundLogLineSchema } from "../../../../proto/gen/ctrl/v1/log_search_pb.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { type Level, LEVELS, readLine, searchText } from "../../internal/log_lines/mod.ts";
import {
  type FoundLine,
  listOutputDeployments,
  type LogSearch,
  searchLogLines,
  type SearchPlace,
  timeNsText,
} from "../../internal/store/mod.ts";
import { invalid, optionalText, pageSize, text } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

export interface SearchRequest {
  /** One deployment, or all of a project or of one of its environments. */
  readonly deploymentId: string;
  readonly projectId: string;
  readonly environmentSlug: string;
  /** Empty for lines of any text. */
  readonly text: string;
  /** Empty for lines of any level and of none. */
  readonly level: string;
  /** Milliseconds since the epoch; 0 for no bound. */
  readonly since: bigint;
  readonly until: bigint;
  readonly instance: string;
  readonly region: string;
  /** 0: the default. */
  readonly limit: number;
  readonly cursor: string;
}

/** Lines that were found, newest first. */
export interface SearchAnswer {
  readonly lines: readonly FoundLine[];
  /** Empty when all output was searched. */
  readonly cursor: string;
  /** Output of this time or later was searched, in milliseconds since the epoch; 0: all of it. */
  readonly searchedSinceMs: number;
  /** There are more deployments with output than one search takes. */
  readonly deploymentsLeftOut: boolean;
}

const LIMIT = 100;
const LIMIT_MAX = 1_000;
const DEPLOYMENTS_MAX = 200;
/** One call: some thousand blocks by their words, and so much text to read. */
export const SEARCH_BOUNDS = { blocksMax: 20_000, bytesMax: 32 * 1_048_576, ms: 1_500 };
const TEXT_CHARS_MAX = 200;
const NANOSECONDS = 1_000_000n;

/** Searches in the output that is kept. @throws `not_found`, `permission_denied`, `invalid_argument` */
export async function searchLogs(
  deps: Pick<DeploymentDeps, "db" | "reader" | "clock">,
  caller: RootKeyPrincipal,
  request: SearchRequest,
): Promise<SearchAnswer> {
  const { db, clock } = deps;
  const checked = checkRequest(request);
  const { ids, more } = await deploymentsOf(deps, caller, request);
  const untilMs = clock.now() + SEARCH_BOUNDS.ms;
  const { lines, next } = await searchLogLines(db, {
    ...checked,
    deploymentIds: ids,
    bounds: { ...SEARCH_BOUNDS, isOver: () => clock.now() >= untilMs },
  });
  return {
    lines,
    cursor: next === undefined ? "" : encodeCursor(next),
    searchedSinceMs: next === undefined ? 0 : Number(BigInt(next.timeNs) / NANOSECONDS),
    deploymentsLeftOut: more,
  };
}

/** The deployments that are searched, newest first. */
async function deploymentsOf(
  deps: Pick<DeploymentDeps, "db" | "reader">,
  caller: RootKeyPrincipal,
  { deploymentId, projectId, environmentSlug }: SearchRequest,
): Promise<{ readonly ids: readonly string[]; readonly more: boolean }> {
  if (deploymentId !== "") {
    if (`${projectId}${environmentSlug}` !== "") {
      throw invalid("deployment_id", "goes without project_id and environment_slug");
    }
    const { id } = await requireDeployment(deps, caller, { id: deploymentId, action: "read_logs" });
    return { ids: [id], more: false };
  }
  if (projectId === "") throw invalid("deployment_id", "or project_id is required");
  const project = await requireProject(deps, caller, { id: projectId, action: "read_logs" });
  const environment = environmentSlug === ""
    ? undefined
    : await requireEnvironment(deps, project, environmentSlug);
  const scope = { projectId: project.id, environmentId: environment?.id, limit: DEPLOYMENTS_MAX + 1 };
  const ids = await deps.db.read((reader) => listOutputDeployments(reader, scope));
  return { ids: ids.slice(0, DEPLOYMENTS_MAX), more: ids.length > DEPLOYMENTS_MAX };
}

function checkRequest(request: SearchRequest): Omit<LogSearch, "deploymentIds" | "bounds"> {
  const { since, until, region } = request;
  if (since < 0n) throw invalid("since", "must be milliseconds since the epoch", String(since));
  if (until < 0n) throw invalid("until", "must be milliseconds since the epoch", String(until));
  if (request.text.length > TEXT_CHARS_MAX) {
    throw invalid("text", `must have at most ${TEXT_CHARS_MAX} characters`);
  }
  const wanted = request.text.trim();
  return {
    text: wanted === "" || wanted === "*" ? undefined : searchText(wanted),
    level: request.level === "" ? undefined : checkLevel(request.level),
    since: since === 0n ? undefined : timeNsText(since * NANOSECONDS),
    until: until === 0n ? undefined : timeNsText(until * NANOSECONDS),
    instance: optionalText("instance", request.instance, 255),
    region: region === "" ? undefined : text("region", region, 64),
    limit: pageSize(request.limit, LIMIT, LIMIT_MAX),
    from: decodeCursor(request.cursor),
  };
}

function checkLevel(given: string): Level {
  const level = LEVELS.find((each) => each === given);
  if (level === undefined) throw invalid("level", `must be one of ${LEVELS.join(", ")}`, given);
  return level;
}

const Cursor = z.tuple([
  z.string().regex(/^\d{20}$/),
  z.string().max(128),
  z.string().max(64),
  z.string().max(255),
  z.int().min(0),
  z.int().min(0),
]);

function encodeCursor({ timeNs, deploymentId, region, instance, ordinal, skip }: SearchPlace): string {
  const place: z.infer<typeof Cursor> = [timeNs, deploymentId, region, instance, ordinal, skip];
  return new TextEncoder().encode(JSON.stringify(place)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

function decodeCursor(cursor: string): SearchPlace | undefined {
  if (cursor === "") return undefined;
  try {
    const bytes = Uint8Array.fromBase64(cursor, { alphabet: "base64url" });
    const place = Cursor.parse(JSON.parse(new TextDecoder().decode(bytes)));
    const [timeNs, deploymentId, region, instance, ordinal, skip] = place;
    return { timeNs, deploymentId, region, instance, ordinal, skip };
  } catch {
    throw invalid("cursor", "is not one that a search returned: start without it");
  }
}

export function encodeFoundLine(line: FoundLine): MessageInitShape<typeof FoundLogLineSchema> {
  const { level, message, fields } = readLine(line.text);
  return {
    deploymentId: line.deploymentId,
    instance: line.instance,
    region: line.region,
    time: BigInt(line.timeNs) / NANOSECONDS,
    stream: line.stream,
    text: line.text,
    level: level ?? "",
    ...(message === undefined ? {} : { message }),
    ...(fields === undefined ? {} : { fieldsJson: JSON.stringify(fields) }),
  };
}
