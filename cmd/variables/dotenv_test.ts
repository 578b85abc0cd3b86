import assert from "node:assert/strict";
import { parseDotenv } from "./dotenv.ts";

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
AGAIN=1
AGAIN=2
`;
  for (const ends of [text, text.replaceAll("\n", "\r\n"), `\ufeff${text}`]) {
    const { variables, problems } = parseDotenv(ends);
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
      AGAIN: "2",
    });
  }
});

Deno.test("parseDotenv() names every line that it cannot read, and no value", () => {
  const { problems } = parseDotenv(`A=1
s3cret without a name
1BAD=s3cret
OPEN="s3cret
B='x' s3cret
`);
  assert.deepEqual(problems.map(({ line }) => line), [2, 3, 4, 5]);
  assert.match(problems[2]?.problem ?? "", /value of OPEN has no closing quote/);
  assert.match(problems[3]?.problem ?? "", /value of B goes on after its closing quote/);
  assert.doesNotMatch(JSON.stringify(problems), /s3cret/);
});
