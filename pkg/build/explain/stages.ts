/** The instructions of a Dockerfile, as far as advice needs them. Time is linear in the text. */

/** One instruction with its words. */
export interface Instruction {
  /** In lower case. */
  readonly name: string;
  readonly words: readonly string[];
}

interface Stage {
  /** The stage that it builds on, when that is one of the file. */
  readonly base: Stage | undefined;
  readonly own: Instruction[];
}

const STAGES_MAX = 1_000;
const WORDS_MAX = 100;
const DOCKERFILE_CHARACTERS_MAX = 1_000_000;

/**
 * The instructions of a stage behind its FROM, after those of the stages that it builds on.
 *
 * @param target the name of the stage; empty: the last one
 */
export function instructionsOfStage(dockerfile: string, target: string): readonly Instruction[] {
  const stages = new Map<string, Stage>();
  let last: Stage = { base: undefined, own: [] };
  for (const line of instructions(dockerfile)) {
    const [name = "", ...words] = line.split(/\s+/, WORDS_MAX);
    if (name.toLowerCase() === "from" && stages.size < STAGES_MAX) {
      const [base = "", as = "", stage = ""] = words.filter((each) => !each.startsWith("--"));
      last = { base: stages.get(base.toLowerCase()), own: [] };
      stages.set(as.toLowerCase() === "as" ? stage.toLowerCase() : String(stages.size), last);
    } else last.own.push({ name: name.toLowerCase(), words });
  }
  const chain: Stage[] = [];
  const built = stages.get(target.toLowerCase()) ?? last;
  for (let stage: Stage | undefined = built; stage !== undefined; stage = stage.base) chain.push(stage);
  return chain.reverse().flatMap(({ own }) => own);
}

/** Instructions, each in one line, without comments. */
export function instructions(dockerfile: string): string[] {
  const found: string[] = [];
  let open: string[] = [];
  for (const line of linesOf(dockerfile)) {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) continue;
    const goesOn = text.endsWith("\\");
    open.push(goesOn ? text.slice(0, -1) : text);
    if (goesOn) continue;
    found.push(open.join(" "));
    open = [];
  }
  if (open.length > 0) found.push(open.join(" "));
  return found;
}

/** Lines without the byte order mark; a longer text is cut. */
export function linesOf(dockerfile: string): string[] {
  return dockerfile.slice(0, DOCKERFILE_CHARACTERS_MAX).replace(/^\ufeff/, "").split("\n");
}
