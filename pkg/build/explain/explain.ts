import { remoteProblem } from "../../registry/mod.ts";
import type { BuildFailure, BuildFailureCode } from "../builder.ts";
import type { BuildRecord } from "../progress/progress.ts";
import { bothEnds, oneLine } from "../progress/texts.ts";
import { deniedSource } from "./denied_source.ts";
import { hintsFor, withHint } from "./hints.ts";
import { downloadAdvice, imageAdvice } from "./remote_problem.ts";
import { addressOfStep, imageOfStep, instructionOf, isFrontendStep, registryOfImage } from "./step_names.ts";

/** A failure as its user may see it, and as the operator should. */
export interface Explained {
  readonly failure: BuildFailure;
  /** BuildKit's words, for the log only: they can carry a registry's answer and names of the network. At most 16 KiB. */
  readonly detail: string;
}

/** The build that failed. */
export interface FailedBuild {
  /** Path of the Dockerfile as messages name it. */
  readonly dockerfile: string;
  /** Its text, for hints. */
  readonly text?: string;
  readonly record: BuildRecord;
}

/** Texts are cut before anything is looked for in them: they can hold a whole instruction. */
const ERROR_CHARACTERS_MAX = 8_192;
const QUOTED_CHARACTERS_MAX = 1_000;

/** Explains why BuildKit gave up with `error`. Time is linear in its length. */
export function explainFailure(error: string, { dockerfile, text, record }: FailedBuild): Explained {
  const said = withoutPrefixes(oneLine(bothEnds(error, ERROR_CHARACTERS_MAX)));
  const step = record.failed && {
    ...record.failed,
    error: oneLine(bothEnds(record.failed.error, ERROR_CHARACTERS_MAX)),
  };
  const facts: Facts = { said, why: step?.error ?? said, step, dockerfile };
  const detail = step === undefined || said.includes(step.error)
    ? said
    : `${said} (${step.name}: ${step.error})`;
  const failure = explain(facts);
  const hints = text === undefined ? [] : hintsFor({ dockerfile: text, failure });
  const message = hints.reduce(withHint, failure.message);
  return { failure: { ...failure, message }, detail };
}

interface Facts {
  readonly said: string;
  /** The error of the step, or of the build when none failed. */
  readonly why: string;
  readonly step: BuildRecord["failed"];
  readonly dockerfile: string;
}

function explain(facts: Facts): BuildFailure {
  // An instruction can contain any text: one that ran and failed is never taken for something else.
  if (exitCodeOf(facts.why) !== undefined) return stepFailure(facts);
  return deniedFailure(facts) ?? secretFailure(facts) ?? sshFailure(facts) ?? dockerfileFailure(facts) ??
    fileFailure(facts) ?? imageFailure(facts) ?? downloadFailure(facts) ?? stepFailure(facts);
}

function deniedFailure({ why, said, step, dockerfile }: Facts): BuildFailure | undefined {
  const isFrontend = isFrontendStep(step?.name ?? "");
  const message = deniedSource(why, { dockerfile, isFrontend }) ??
    deniedSource(said, { dockerfile, isFrontend });
  return message === undefined ? undefined : failed("build_failed", message, step);
}

function secretFailure({ why, step }: Facts): BuildFailure | undefined {
  const id = /(?:^|: )secret (\S{1,200}) not found/.exec(why)?.[1];
  if (id === undefined) return undefined;
  const message = `The Dockerfile requires the build secret "${id}", which was not given. Give it with ` +
    `--secret id=${id},env=VARIABLE or --secret id=${id},src=FILE, or keep it with "unkey variables set ${id}"; ` +
    "then deploy again.";
  return failed("build_failed", message, step);
}

function sshFailure({ why, step }: Facts): BuildFailure | undefined {
  if (!why.includes("no SSH key ") && !why.includes("unset ssh forward key")) return undefined;
  const message =
    "The Dockerfile requires an ssh agent (RUN --mount=type=ssh, or a git address with ssh), and this " +
    "platform forwards none to builds. Use a token over https instead, given as a build secret: " +
    "RUN --mount=type=secret,id=TOKEN and --secret id=TOKEN,env=TOKEN.";
  return failed("build_failed", message, step);
}

function dockerfileFailure({ said, step, dockerfile }: Facts): BuildFailure | undefined {
  if (said.startsWith("failed to read dockerfile")) {
    if (said.endsWith("is a directory")) {
      return failed(
        "dockerfile_missing",
        `"${dockerfile}" is a folder, not a Dockerfile. Name the file with --dockerfile, for example ` +
          `--dockerfile ${dockerfile}/Dockerfile.`,
      );
    }
    if (said.includes("no such file") || said.endsWith("not found")) {
      return failed(
        "dockerfile_missing",
        `There is no file "${dockerfile}". Create it, or name another one with --dockerfile.`,
      );
    }
  }
  if (step !== undefined) return undefined;
  const target = between(said, 'target stage "', '" could not be found');
  if (target !== undefined) {
    return failed(
      "build_failed",
      `The Dockerfile "${dockerfile}" has no stage "${target}". Name one of its stages with --target.`,
    );
  }
  const problem = INVALID.map((each) => said.indexOf(each)).find((at) => at >= 0);
  if (problem === undefined) return undefined;
  const advice = said.includes("should not be blank")
    ? ". Give the ARG that FROM uses a default, or its value with --build-arg"
    : "";
  const text = bothEnds(said.slice(problem), QUOTED_CHARACTERS_MAX);
  return failed("build_failed", `The Dockerfile "${dockerfile}" is not valid: ${text}${advice}`);
}

/** BuildKit's words for a Dockerfile that means nothing, the longest first. */
const INVALID: readonly string[] = [
  "dockerfile parse error",
  "Dockerfile parse error",
  "failed to parse stage name",
  "base name (",
  "no build stage in current context",
  "the Dockerfile cannot be empty",
  "file with no instructions",
  "unknown instruction",
];

/** A COPY, an ADD or a mount of a file that does not exist. */
function fileFailure({ why, step }: Facts): BuildFailure | undefined {
  const name = missingFile(why);
  if (name === undefined) return undefined;
  const instruction = instructionOf(step?.name ?? "");
  const stage = /(?:^| )(?:--from=|\S{0,200},from=|from=)([^\s,]{1,200})/.exec(instruction)?.[1];
  const message = stage === undefined
    ? `The Dockerfile copies "${name}", which is not in the build context. ` +
      "Check the path, and whether .dockerignore excludes it."
    : `The Dockerfile copies "${name}" from "${stage}", where it does not exist. Check the path.`;
  return failed("build_failed", message, step);
}

function missingFile(why: string): string | undefined {
  const quoted = between(why, '"', '" not found') ?? between(why, '"', '": not found');
  if (quoted !== undefined) return quoted.startsWith("/") ? quoted.slice(1) || "/" : undefined;
  if (!why.includes("failed to walk ")) return undefined;
  // Before BuildKit 0.9 the path is that of the builder.
  return /buildkit-mount\d{1,20}\/([^:]{1,2000}): no such file/.exec(why)?.[1];
}

function imageFailure({ why, step }: Facts): BuildFailure | undefined {
  const name = step?.name ?? "";
  const image = imageOfStep(name);
  if (image === undefined) return undefined;
  const role = isFrontendStep(name) ? "frontend" : "base image";
  const advice = imageAdvice(remoteProblem(why, image), registryOfImage(image));
  return failed("build_failed", `The ${role} ${image} could not be pulled. ${advice}`, step);
}

function downloadFailure({ why, step }: Facts): BuildFailure | undefined {
  const address = addressOfStep(step?.name ?? "");
  if (address === undefined) return undefined;
  const advice = downloadAdvice(remoteProblem(why, address));
  return failed("build_failed", `The Dockerfile downloads ${address}, and that failed. ${advice}`, step);
}

function stepFailure({ why, step }: Facts): BuildFailure {
  const exitCode = exitCodeOf(why);
  if (step === undefined || exitCode === undefined) {
    const subject = step === undefined ? "The build" : `"${instructionOf(step.name)}"`;
    const problem = remoteProblem(why);
    // A registry's answer can hold names that are not for users.
    const reason = /https?:\/\/|status/.test(why) || (problem !== "unknown" && problem !== "missing")
      ? "the builder could not fetch something that it needs, or store the result. Try again in a moment; the " +
        "operator finds the reason in the worker's log."
      : bothEnds(why, QUOTED_CHARACTERS_MAX);
    return failed("build_failed", `${subject} failed: ${reason}`, step);
  }
  const message = `"${instructionOf(step.name)}" failed with exit code ${exitCode}.`;
  return { ...failed("build_failed", message, step), exitCode };
}

function failed(code: BuildFailureCode, message: string, step?: BuildRecord["failed"]): BuildFailure {
  const isInstruction = step !== undefined && step.name.startsWith("[") &&
    !step.name.startsWith("[internal]");
  const instruction = isInstruction ? { instruction: instructionOf(step.name) } : {};
  return { kind: "failed", code, message, ...instruction, lastLines: step?.lastLines ?? [] };
}

/** BuildKit's error of a process ends with its exit code. */
function exitCodeOf(error: string): number | undefined {
  const code = /exit code: (\d{1,10})$/.exec(error.slice(-EXIT_TEXT_LENGTH))?.[1];
  return code === undefined ? undefined : Number(code);
}

const EXIT_TEXT_LENGTH = 30;
const FRONTEND = "failed to solve with frontend ";
const PREFIXES: readonly string[] = ["failed to solve: ", "failed to create LLB definition: "];

function withoutPrefixes(error: string): string {
  let at = 0;
  for (;;) {
    const prefix = PREFIXES.find((each) => error.startsWith(each, at));
    if (prefix !== undefined) at += prefix.length;
    else if (error.startsWith(FRONTEND, at) && error.includes(": ", at)) at = error.indexOf(": ", at) + 2;
    else return error.slice(at);
  }
}

/** The text before the last `after`, from the nearest `before`. */
function between(text: string, before: string, after: string): string | undefined {
  const end = text.lastIndexOf(after);
  const start = end < 0 ? -1 : text.lastIndexOf(before, end - 1);
  return start < 0 ? undefined : text.slice(start + before.length, end);
}
