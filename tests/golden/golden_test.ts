import assert from "node:assert/strict";
import { ROOT } from "../../cmd/root.ts";
import { dispatch, VERSION } from "../../pkg/cli/mod.ts";
import { testProcess } from "../../pkg/testkit/process.ts";

/** `case.json`: what is called, and how it ends. What it prints is in `stdout` and `stderr` beside it. */
interface Case {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly exitCode: number;
}

const FOLDER = new URL(".", import.meta.url);
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

/** Scripts read this output and people learn it: a change must be meant. `UPDATE_GOLDEN=1` writes what is printed now. */
Deno.test("the command line prints what it printed before", async (t) => {
  for (
    const { name, isDirectory } of Array.from(Deno.readDirSync(FOLDER)).sort((a, b) =>
      a.name < b.name ? -1 : 1
    )
  ) {
    if (!isDirectory || name === "help") continue;
    await t.step(name.replaceAll("_", " "), async () => {
      const { args, env = {}, exitCode }: Case = JSON.parse(await read(name, "case.json"));
      await using process = await testProcess({ args, env });
      const code = await dispatch(ROOT, process);
      const printed = {
        stdout: neutral(process.printed.stdout, process.cwd),
        stderr: neutral(process.printed.stderr, process.cwd),
      };
      for (const stream of ["stdout", "stderr"] as const) {
        if (UPDATE) await write(name, stream, printed[stream]);
        assert.equal(printed[stream], await read(name, stream), stream);
      }
      assert.equal(code, exitCode);
    });
  }
});

/** Replaces the text that differs between machines and versions. */
function neutral(text: string, cwd: string): string {
  return text.replaceAll(cwd, "<cwd>").replaceAll(/"totalMs":\d+/g, '"totalMs":<ms>')
    .replaceAll(Deno.version.deno, "<deno>").replaceAll(VERSION, "<version>")
    .replaceAll(`${Deno.build.os} ${Deno.build.arch}`, "<os> <arch>")
    .replaceAll(`"os":"${Deno.build.os}","arch":"${Deno.build.arch}"`, '"os":"<os>","arch":"<arch>"');
}

/** A stream that prints nothing has no file. */
async function read(name: string, file: string): Promise<string> {
  try {
    return await Deno.readTextFile(new URL(`${name}/${file}`, FOLDER));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function write(name: string, file: string, text: string): Promise<void> {
  const path = new URL(`${name}/${file}`, FOLDER);
  if (text !== "") return await Deno.writeTextFile(path, text);
  await Deno.remove(path).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
