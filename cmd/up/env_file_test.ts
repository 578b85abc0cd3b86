import assert from "node:assert/strict";
import { envFileText, parseEnvFile } from "./env_file.ts";

const VALUES = {
  UNKEY_DOMAIN: "apps.example.com",
  EMPTY: "",
  BLANKS: " a  b ",
  HARD: `"q" \\ $HOME \`id\` 'x' #y =z ü`,
};

Deno.test("a file of settings gives back the values that were written", () => {
  assert.deepEqual(parseEnvFile(envFileText(VALUES), "up.env"), VALUES);
});

Deno.test("a file of settings that a person wrote is read", () => {
  const text = '# a comment\n\n  UNKEY_DOMAIN=apps.example.com\nUNKEY_EMAIL="ops@example.com"\n';
  assert.deepEqual(parseEnvFile(text, "up.env"), {
    UNKEY_DOMAIN: "apps.example.com",
    UNKEY_EMAIL: "ops@example.com",
  });
});

Deno.test("a line that is no setting is refused with its number", async (t) => {
  for (const line of ["export A=b", "A b", "a=b", 'A="b', "A=b c", "A='b'"]) {
    await t.step(line, () => {
      assert.throws(
        () => parseEnvFile(`X=1\n${line}\n`, "/etc/up.env"),
        /\/etc\/up\.env, line 2, is no setting/,
      );
    });
  }
});

Deno.test("a value of several lines is refused, since systemd would read the second as a setting", () => {
  assert.throws(() => envFileText({ A: "b\nLD_PRELOAD=/tmp/x" }), /A has more than one line/);
});
