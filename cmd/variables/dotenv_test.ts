import assert from "node:assert/strict";
import { parseDotenv } from "./dotenv.ts";

const NOTHING = (): undefined => undefined;

Deno.test("parseDotenv() reads what .env files hold", () => {
  const text = String.raw`# a comment
PLAIN=value
  export SPACED = two words   # not part of it
EMPTY=
ONLY_COMMENT= # nothing
HASH=a#b
COLOUR=#fff
URL=postgres://u:p@h/db?a=b
SINGLE='as $it \n is # here'  # comment
DOUBLE="a \"quote\", a\ttab, a \\ and \$x"
LINES="first
second"
LITERAL='first
second \n'
BACKTICKS=^a "b" 'c' \n
d^
dotted.name-with_all = x
YAML: from compose # comment
ESCAPED_QUOTE="a\"
b"
DOLLARS=pa$$word$1 $HOME
AGAIN=1
AGAIN=2
`.replaceAll("^", "`");
  for (const ends of [text, text.replaceAll("\n", "\r\n"), `\ufeff${text}`]) {
    const { variables, problems } = parseDotenv(ends, NOTHING);
    assert.deepEqual(problems, []);
    assert.deepEqual(variables, {
      PLAIN: "value",
      SPACED: "two words",
      EMPTY: "",
      ONLY_COMMENT: "",
      HASH: "a#b",
      COLOUR: "#fff",
      URL: "postgres://u:p@h/db?a=b",
      SINGLE: "as $it \\n is # here",
      DOUBLE: 'a "quote", a\ttab, a \\ and $x',
      LINES: "first\nsecond",
      LITERAL: "first\nsecond \\n",
      BACKTICKS: "a \"b\" 'c' \\n\nd",
      "dotted.name-with_all": "x",
      YAML: "from compose",
      ESCAPED_QUOTE: 'a"\nb',
      DOLLARS: "pa$$word$1 $HOME",
      AGAIN: "2",
    });
  }
});

Deno.test("parseDotenv() names every line that it cannot read, and no value", () => {
  const lines: readonly (readonly [line: string, says: RegExp])[] = [
    ["s3cret without a name", /^is not NAME=value$/],
    ["1BAD=s3cret", /^is not NAME=value: NAME must not begin with a digit/],
    ["s3cret/part=", /^is not NAME=value: NAME must be letters/],
    ["-----BEGIN s3cret-----", /^is not NAME=value$/],
    ["=s3cret", /^is not NAME=value$/],
    ["A='x' s3cret", /^the value of A goes on after its closing quote$/],
    ["B=http://${s3cret}", /^the value of B needs a \$\{NAME\} that is neither in a line above/],
    ['C="${s3cret"', /^the value of C has a \$\{ that begins neither/],
    ['D="${}"', /^the value of D has a \$\{ that begins neither/],
    ["E=${a s3cret}", /^the value of E has a \$\{ that begins neither/],
    ["F=`s3cret", /^the value of F has no closing quote$/],
    ["s3cret", /^is not NAME=value$/],
  ];
  const { problems } = parseDotenv(`GOOD=1\n${lines.map(([line]) => line).join("\n")}`, NOTHING);
  assert.deepEqual(problems.map(({ line }) => line), lines.map((_, at) => at + 2));
  for (const [at, [line, says]] of lines.entries()) assert.match(problems[at]?.problem ?? "", says, line);
  assert.doesNotMatch(JSON.stringify(problems), /s3cret/);
});

Deno.test("parseDotenv() replaces references by lines above, by the process and by defaults", () => {
  const lines: readonly (readonly [line: string, value: string])[] = [
    ["HOST=db", "db"],
    ["EMPTY=", ""],
    ["URL=http://${HOST}:${PORT:-5432}/${NAME-x}", "http://db:5432/x"],
    ['QUOTED="${HOST} ${FROM_PROCESS}\\n\\${HOST}"', "db p\n${HOST}"],
    ["SINGLE='${HOST}'", "${HOST}"],
    ["BACK=`${HOST}`", "${HOST}"],
    ["ESCAPED=a\\${HOST}", "a${HOST}"],
    ["SET_EMPTY=[${EMPTY-a}][${EMPTY:-b}][${EMPTY}]", "[][b][]"],
    ["dotted.name=x", "x"],
    ["OF_DOTTED=${dotted.name}", "x"],
    ["NOT_LATER=${LATER:-none}", "none"],
    ["LATER=1", "1"],
  ];
  const env: Readonly<Record<string, string>> = { FROM_PROCESS: "p", HOST: "not this one" };
  const { variables, problems } = parseDotenv(lines.map(([line]) => line).join("\n"), (name) => env[name]);
  assert.deepEqual(problems, []);
  assert.deepEqual(Object.values(variables), lines.map(([, value]) => value));
});

Deno.test("parseDotenv() reads a megabyte of what is hard for it in little time", () => {
  const hard = ["A='\n", 'A="\\\n', "A=${", "A=`\n", 'A="\n', "A=b\n", "\\"];
  for (const part of hard) {
    const begunMs = performance.now();
    parseDotenv(`A="${part.repeat(1_000_000 / part.length)}`, NOTHING);
    assert.ok(performance.now() - begunMs < 20_000, part);
  }
});
