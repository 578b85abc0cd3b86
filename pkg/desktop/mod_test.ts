import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { isFault } from "../fault/mod.ts";
import { desktopProblem, type Launcher, openUrl, systemLauncher } from "./mod.ts";

const URL_OF_APP = "https://app.test/?a=1&b=2";

function machine(os: string, env: Readonly<Record<string, string>> = {}) {
  return { os, env: (name: string) => env[name] };
}

async function withProgram(
  script: string,
  test: (program: string, seen: () => string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-desktop-" });
  try {
    const program = `${folder}/browser`;
    await Deno.writeTextFile(program, `#!/bin/sh\nprintf '%s\\n' "$@" >"${folder}/args"\n${script}\n`, {
      mode: 0o755,
    });
    await test(program, () => Deno.readTextFileSync(`${folder}/args`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function open(url: string, launcher: Launcher, signal = new AbortController().signal): Promise<void> {
  return openUrl(url, { launcher, clock: systemClock(), signal });
}

Deno.test("desktopProblem() knows where a browser would be seen", () => {
  const good = [
    machine("linux", { DISPLAY: ":0" }),
    machine("linux", { WAYLAND_DISPLAY: "wayland-0" }),
    machine("linux", { DISPLAY: "localhost:10.0", SSH_CONNECTION: "x" }),
    machine("linux", { WSL_DISTRO_NAME: "Debian" }),
    machine("darwin"),
    machine("windows"),
  ];
  for (const each of good) assert.equal(desktopProblem(each), undefined);
  assert.equal(desktopProblem(machine("linux")), "there is no display");
  assert.equal(desktopProblem(machine("linux", { DISPLAY: "" })), "there is no display");
  assert.equal(desktopProblem(machine("darwin", { SSH_CONNECTION: "x" })), "this is a session over SSH");
  assert.equal(desktopProblem(machine("linux", { SSH_CONNECTION: "x" })), "this is a session over SSH");
  assert.equal(desktopProblem(machine("linux", { CI: "true", DISPLAY: ":0" })), "this is a CI job");
});

Deno.test("systemLauncher() is the program of the system, without a shell", () => {
  assert.deepEqual(systemLauncher(machine("linux")), ["xdg-open"]);
  assert.deepEqual(systemLauncher(machine("darwin")), ["open"]);
  const windows = ["rundll32.exe", "url.dll,FileProtocolHandler"];
  assert.deepEqual(systemLauncher(machine("windows")), windows);
  assert.deepEqual(systemLauncher(machine("linux", { WSL_DISTRO_NAME: "Debian" })), windows);
});

Deno.test("openUrl() gives the program its words and the URL as it is", async () => {
  await withProgram("exit 0", async (program, seen) => {
    await open(URL_OF_APP, [program, "first"]);
    assert.equal(seen(), `first\n${URL_OF_APP}\n`);
  });
});

Deno.test("openUrl() does not wait for a program that goes on", async () => {
  const slept: number[] = [];
  const clock = {
    sleep: (ms: number) => {
      slept.push(ms);
      return Promise.resolve();
    },
  };
  const launcher = ["sh", "-c", "sleep 2"] as const;
  await openUrl(URL_OF_APP, { launcher, clock, signal: new AbortController().signal });
  assert.deepEqual(slept, [3_000]);
});

Deno.test("openUrl() says why a URL is not opened", async () => {
  const refused = (pattern: RegExp) => (error: unknown) =>
    isFault(error, "failed_precondition") && pattern.test(error.message) &&
    /--browser \(BROWSER\)/.test(error.message);
  await assert.rejects(open(URL_OF_APP, ["/none/xdg-open"]), refused(/there is no program \/none\/xdg-open/));
  await withProgram(
    "exit 3",
    (program) => assert.rejects(open(URL_OF_APP, [program]), refused(/browser ended with exit code 3/)),
  );
  for (const url of ["file:///etc/passwd", "-a Calculator", "", "javascript:alert(1)"]) {
    await assert.rejects(open(url, ["/none/xdg-open"]), (error) => isFault(error, "invalid_argument"));
  }
});
