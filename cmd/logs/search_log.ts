/** Lines that the control plane finds, also over many deployments. */
import { z } from "zod";
import type { Process } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { FoundLogLine, SearchLogsResponse } from "../../proto/gen/ctrl/v1/log_search_pb.ts";
import type { Connection } from "../shared/connect.ts";
import { findProject } from "../shared/find_deployment.ts";
import type { LogsConfig } from "./config.ts";
import { rangeOf } from "../shared/moment.ts";
import { createPrinter, type Line } from "./printer.ts";

export interface SearchJob {
  readonly config: LogsConfig;
  /** A deployment's id, or a project. */
  readonly word: string;
  readonly process: Process;
}

const TAIL = 100;
/** Lines of one call. */
const PAGE_MAX = 1_000;
/** One call searches for a second or two: then the user says whether it is worth the time. */
const CALLS_MAX = 20;
const Fields = z.record(z.string(), z.unknown());

/** Prints the last matching lines, oldest first. @throws what a call fails with */
export async function searchLog(connection: Connection, { config, word, process }: SearchJob): Promise<void> {
  const { signal, clock, stdout, stderr } = process;
  const { search = "", level = "", instance, region, tail = TAIL } = config;
  const client = createRpcClient(DeploymentService, connection);
  const scope = word.startsWith("d_") ? { deploymentId: word } : {
    projectId: (await findProject(connection, word, signal)).id,
    environmentSlug: config.environment ?? "",
  };
  const { since, until } = rangeOf(config, clock.now());
  const what = {
    ...scope,
    text: search,
    level,
    since: BigInt(since),
    until: BigInt(until),
    instance,
    region,
  };

  const found: FoundLogLine[] = [];
  let answer: SearchLogsResponse | undefined;
  for (let calls = 0; calls < CALLS_MAX && found.length < tail && answer?.cursor !== ""; calls++) {
    const limit = Math.min(PAGE_MAX, tail - found.length);
    answer = await client.searchLogs({ ...what, limit, cursor: answer?.cursor ?? "" }, { signal });
    found.push(...answer.lines.filter(({ text }) => config.grep?.test(text) ?? true));
  }
  const print = createPrinter(config, stdout);
  // Deployments and instances print at the same time: together, their lines are in the order of time.
  const lines = found.toReversed().toSorted((a, b) => Number(a.time - b.time));
  for (const line of lines) print(lineOf(line));
  if (answer !== undefined) stderr(endText(answer, found.length));
}

function lineOf(line: FoundLogLine): Line {
  const { deploymentId: deployment, instance, region, stream, text, level, message, fieldsJson } = line;
  return {
    source: "instance",
    deployment,
    instance,
    region,
    time: Number(line.time),
    stream,
    text,
    ...(level === "" ? {} : { level }),
    ...(message === undefined ? {} : { message }),
    ...(fieldsJson === undefined ? {} : { fields: Fields.parse(JSON.parse(fieldsJson)) }),
  };
}

function endText({ cursor, searchedSince, deploymentsLeftOut }: SearchLogsResponse, count: number): string {
  const lines = `${count} ${count === 1 ? "line" : "lines"}`;
  if (cursor !== "") {
    const time = new Date(Number(searchedSince)).toISOString();
    return `${lines}; searched back to ${time}. Earlier ones: --until ${time}, or more with --tail.\n`;
  }
  const deployments = deploymentsLeftOut
    ? "the newest 200 deployments that have output"
    : "all output that is kept";
  return `${lines}; searched ${deployments}.\n`;
}
