/** House rules for `deno lint`: what the compiler cannot know and a reviewer should not have to. */
import { patternProblem } from "./patterns.ts";

interface Banned {
  readonly name: string;
  /** The one place that may use it. */
  readonly allow: RegExp;
  readonly instead: string;
}

const BANNED: readonly Banned[] = [
  { name: "Deno.env", allow: /\/main\.ts$/, instead: "read settings through pkg/config" },
  { name: "Deno.exit", allow: /\/main\.ts$/, instead: "throw a Fault and let main.ts choose the exit code" },
  {
    name: "process.exit",
    allow: /\/main\.ts$/,
    instead: "throw a Fault and let main.ts choose the exit code",
  },
  { name: "process.env", allow: /\/main\.ts$/, instead: "read settings through pkg/config" },
  { name: "Deno.addSignalListener", allow: /\/main\.ts$/, instead: "take an AbortSignal" },
  { name: "Date.now", allow: /\/pkg\/clock\//, instead: "take a Clock, or durable.now() in a workflow" },
  {
    name: "Math.random",
    allow: /\/pkg\/(retry|uid)\//,
    instead: "use pkg/uid, or take the jitter as an argument",
  },
  { name: "crypto.randomUUID", allow: /\/pkg\/uid\//, instead: "use pkg/uid" },
];

/** A doc comment begins with the noun that it explains. */
const DOC_START = /^\*\s*(?:\*\s*)?(What|Who|Whoever|Whose|How|Whether)\b/;
/** Pictures, in place of report, log, change, timeout. */
const PICTURE = /\b(news|told|deaf|breath|silence)\b/i;
const INDEFINITE = /\b(whoever|somebody|nobody)\b/i;
const ONE_THAT = /(?:^|[.:;]\s+)(?:The one|One) (?:that|who)\b/m;

/** The reason why a comment is refused. */
function commentProblem(type: "Line" | "Block", text: string): string | undefined {
  if (type === "Block" && DOC_START.test(text)) return "A doc comment begins with What, Who, How or Whether";
  const indefinite = INDEFINITE.exec(text)?.[0];
  if (indefinite !== undefined) return `A comment says "${indefinite}"`;
  const picture = PICTURE.exec(text)?.[0];
  if (picture !== undefined) return `A comment says "${picture}", which is a picture`;
  // The stars of a block are no words of its sentences.
  if (ONE_THAT.test(text.replaceAll(/^\s*\*+\s*/gm, ""))) return 'A sentence begins with "One that"';
  return undefined;
}

/** Tests, tools and scripts may touch the machine: that is what they are for. */
const EXEMPT = /_test\.ts$|\/testing\w*\.ts$|\/tests\/|\/dev\/|\/pkg\/testkit\//;

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    /**
     * V8 gives every object literal that has an accessor a shape of its own. In whatever runs once per call that is more
     * memory than the call itself, and it stays until the old generation is collected.
     */
    "no-literal-accessor": {
      create(context) {
        if (EXEMPT.test(context.filename)) return {};
        return {
          Property(node) {
            if (node.kind !== "get" && node.kind !== "set") return;
            const message = "An object literal with an accessor costs a shape for each object";
            context.report({ node, message, hint: "use a class, or a plain property" });
          },
        };
      },
    },
    /** Text comes from clients, apps, builds and engines, and is parsed on the only thread there is. */
    "linear-patterns": {
      create(context) {
        if (EXEMPT.test(context.filename)) return {};
        return {
          Literal(node) {
            if (!("regex" in node) || node.regex === undefined) return;
            const message = patternProblem(node.regex.pattern);
            if (message === undefined) return;
            const hint = "begin with ^, or where a run begins, (?<!x)x+$; bound what is between: .{0,200}";
            context.report({ node, message, hint });
          },
        };
      },
    },
    /** The subject of a sentence is a noun of the field, so that a reader can search for it. */
    "plain-comments": {
      create(context) {
        return {
          Program() {
            for (const comment of context.sourceCode.getAllComments()) {
              const message = commentProblem(comment.type, comment.value);
              if (message === undefined) continue;
              const hint = "name the thing: an instance, an agent, a caller, a change, a report, a timeout";
              context.report({ range: comment.range, message, hint });
            }
          },
        };
      },
    },
    /** Keeps ambient state behind a parameter, so that tests and replays control it. */
    "no-ambient": {
      create(context) {
        if (EXEMPT.test(context.filename)) return {};
        return {
          MemberExpression(node) {
            const name = context.sourceCode.getText(node);
            const banned = BANNED.find((each) => each.name === name);
            if (banned === undefined || banned.allow.test(context.filename)) return;
            context.report({ node, message: `${name} is not allowed here`, hint: banned.instead });
          },
        };
      },
    },
  },
};

export default plugin;
