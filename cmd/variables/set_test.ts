import assert from "node:assert/strict";
import { join } from "node:path";
import { controlPlane } from "./testing.ts";

Deno.test("variables set takes values from words, a file, standard input and a question, and prints none", async () => {
  await using api = await controlPlane();
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-variables-" });
  try {
    await Deno.writeTextFile(join(folder, ".env"), 'FILE="s3cret\nlines"\nA=from file\n');
    const prompts = {
      confirm: () => Promise.resolve(undefined),
      select: () => Promise.resolve(undefined),
      password: () => Promise.resolve("s3cret asked"),
    };
    const printed = [
      await api.run(["set", "A=s3cret=1", "--from-file", ".env"], { cwd: folder }),
      await api.run(["set", "B", "C="], { prompts }),
      await api.run(["set", "D", "--stdin"], { stdin: "s3cret\nstdin\n" }),
      await api.run(["set", "--from-file", "-"], { stdin: "E=s3cret\n" }),
      await api.run(["set", "spring.x-y=s3cret", "--from-file", "-"], {
        stdin: "export F=${G}-${H:-h}\r\n",
        env: { G: "s3cret" },
      }),
    ];
    for (const { code, stdout, stderr } of printed) {
      assert.equal(code, 0, stderr);
      assert.doesNotMatch(stdout + stderr, /s3cret/);
    }
    assert.match(
      printed[0]?.stderr ?? "",
      /set 2 variables \(A, FILE\) in preview of shop\n.*"unkey redeploy"/,
    );
    assert.deepEqual(api.sets.map(({ variables }) => variables), [
      { FILE: "s3cret\nlines", A: "s3cret=1" },
      { B: "s3cret asked", C: "" },
      { D: "s3cret\nstdin" },
      { E: "s3cret" },
      { "spring.x-y": "s3cret", F: "s3cret-h" },
    ]);
    assert.deepEqual(api.creates, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("variables set names every word that it cannot use at once, without values", async () => {
  await using api = await controlPlane();
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["set"], /nothing to set/],
    [
      ["set", "1A=s3cret", "s3cret value", "B/C=s3cret", "=s3cret"],
      /"1A" cannot.*digit.*\nword 2 cannot.*\n"B\/C" cannot.*\nword 4 cannot.*not be empty/,
    ],
    [["set", "A"], /A has no value.*--stdin/],
    [["set", "A=s3cret", "--stdin"], /--stdin gives the value of one NAME/],
    [["set", "--from-file", "/nowhere/.env"], /cannot be read/],
    [["set", "--from-file", "-"], /standard input cannot be used:\n {2}line 1:/],
  ];
  for (const [args, text] of cases) {
    const { code, stderr } = await api.run(args, { stdin: "s3cret line\n" });
    assert.notEqual(code, 0, args.join(" "));
    assert.match(stderr, text);
    assert.doesNotMatch(stderr, /s3cret/);
  }
  assert.deepEqual(api.sets, []);
});

Deno.test("variables set leaves the PORT of a file out and takes its other lines", async () => {
  await using api = await controlPlane();
  const { code, stderr } = await api.run(["set", "--from-file", "-"], {
    stdin: "PORT=3000\nURL=http://localhost:${PORT}\nKEY=1\n",
  });
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /PORT of standard input is left out: .* "unkey deploy --port" names\nset 2 variables \(KEY, URL\)/,
  );
  assert.deepEqual(api.sets.map(({ variables }) => variables), [{ URL: "http://localhost:3000", KEY: "1" }]);

  const alone = await api.run(["set", "--from-file", "-"], { stdin: "PORT=3000\n" });
  assert.equal(alone.code, 2);
  assert.match(alone.stderr, /PORT of standard input is left out[^]*nothing to set/);
});
