import assert from "node:assert/strict";
import { exposedPorts, hintsFor, portHint, startHint } from "./hints.ts";

const HEREDOC = "FROM a\nRUN <<EOF\nmkdir /x\nEOF\n";

Deno.test("hintsFor()", async (t) => {
  const cases: readonly {
    readonly name: string;
    readonly dockerfile?: string;
    readonly message?: string;
    readonly exitCode?: number;
    readonly lastLines?: readonly string[];
    readonly port?: number;
    readonly exposed?: readonly number[];
    readonly hint: RegExp | undefined;
  }[] = [
    {
      name: "a heredoc, with a frontend that does not know them",
      dockerfile: HEREDOC,
      message:
        'The Dockerfile "Dockerfile" is not valid: dockerfile parse error line 3: unknown instruction: MKDIR',
      hint: /first line "# syntax=docker\/dockerfile:1"/,
    },
    {
      name: "an instruction with a wrong name",
      dockerfile: "FROM a\nRUUN x\n",
      message: "dockerfile parse error on line 2: unknown instruction: RUUN",
      hint: undefined,
    },
    {
      name: "COPY --link with an old frontend",
      message: "dockerfile parse error line 2: Unknown flag: link",
      hint: /# syntax=/,
    },
    {
      name: "RUN --mount as newer frontends name it",
      message: "dockerfile parse error on line 2: unknown flag: --mount",
      hint: /# syntax=/,
    },
    {
      name: "a flag that no frontend knows",
      message: "parse error line 2: Unknown flag: foo",
      hint: undefined,
    },
    {
      name: "a Dockerfile that names a frontend already",
      dockerfile: `# escape=\\\n#syntax = docker/dockerfile:1.0\n${HEREDOC}`,
      message: "unknown instruction: MKDIR",
      hint: undefined,
    },
    {
      name: "a comment that is no directive any more",
      dockerfile: `FROM a\n# syntax=docker/dockerfile:1\n${HEREDOC}`,
      message: "unknown instruction: MKDIR",
      hint: /# syntax=/,
    },
    {
      name: "a script without its execute bit",
      exitCode: 126,
      lastLines: ["/bin/sh: ./build.sh: Permission denied"],
      hint: /chmod \+x/,
    },
    { name: "another port", dockerfile: "FROM a\nEXPOSE 3000\n", port: 8080, hint: /--port 3000/ },
    { name: "another port of the image", exposed: [5000], port: 8080, hint: /--port 5000/ },
    { name: "a port that does not matter", exposed: [5000], hint: undefined },
    { name: "a test that failed", exitCode: 1, lastLines: ["sh: x: Permission denied"], hint: undefined },
  ];
  for (
    const { name, dockerfile = "FROM a\n", message = "", exitCode, lastLines = [], port, exposed, hint }
      of cases
  ) {
    await t.step(name, () => {
      const failure = { message, lastLines, ...(exitCode === undefined ? {} : { exitCode }) };
      const hints = hintsFor({
        dockerfile,
        failure,
        ...(port === undefined ? {} : { port }),
        ...(exposed === undefined ? {} : { exposed }),
      });
      if (hint === undefined) assert.deepEqual(hints, []);
      else assert.match(hints.join("|"), hint);
    });
  }
});

Deno.test("startHint()", async (t) => {
  const cases: readonly [name: string, lines: readonly string[], hint: RegExp | undefined][] = [
    ["a script with CRLF", ["exec /start.sh: no such file or directory"], /CRLF/],
    [
      "the same with an older runtime",
      ["standard_init_linux.go:228: exec user process caused: no such file or directory"],
      /CRLF/,
    ],
    ["an interpreter with CRLF", ["env: 'node\\r': No such file or directory"], /CRLF/],
    ["commands with CRLF", ["start.sh: line 2: $'\\r': command not found"], /CRLF/],
    ["no first line", ["exec /start.sh: exec format error"], /#!\/bin\/sh.*--platform/],
    ["no execute bit", ["exec /start.sh: permission denied"], /chmod \+x/],
    [
      "no execute bit, as the engine says it",
      [
        "The container cannot be started: failed to create shim: OCI runtime create failed: runc create failed: " +
        'unable to start container process: exec: "/start.sh": permission denied: unknown',
      ],
      /chmod \+x/,
    ],
    [
      "a file that is not in the image",
      ['OCI runtime create failed: exec: "/nope": stat /nope: no such file or directory: unknown'],
      /has no such file/,
    ],
    [
      "a program that is not in the image",
      ['OCI runtime create failed: exec: "nope": executable file not found in $PATH: unknown'],
      /in its PATH/,
    ],
    [
      "an app's own error",
      ["open /data/config: permission denied", "Error: no such file or directory"],
      undefined,
    ],
    ["nothing", [], undefined],
  ];
  for (const [name, lines, hint] of cases) {
    await t.step(name, () => {
      const found = startHint(lines);
      if (hint === undefined) assert.equal(found, undefined);
      else assert.match(found ?? "", hint);
    });
  }
});

Deno.test("portHint() names the port that the image exposes", () => {
  assert.match(portHint(8080, [3000, 3001]) ?? "", /listens on 3000, 3001: .*--port 3000\.$/);
  assert.equal(portHint(8080, []), undefined);
  assert.equal(portHint(8080, [80, 8080]), undefined);
});

Deno.test("exposedPorts()", async (t) => {
  const cases: readonly [name: string, dockerfile: string, ports: readonly number[]][] = [
    ["one", "FROM a\nEXPOSE 3000\n", [3000]],
    ["several, lines of Windows", "from a\r\nexpose 80/tcp 443/TCP \\\r\n  # x\r\n  53/udp\r\n", [80, 443]],
    ["a range", "FROM a\nEXPOSE 7000-7002\n", [7000, 7001, 7002]],
    ["a variable, and nonsense", "FROM a\nEXPOSE $PORT 0 70000 9-8 x\n", []],
    ["only the last stage", "FROM a AS build\nEXPOSE 1\nFROM b\nEXPOSE 2\n", [2]],
    ["the stage below", "FROM --platform=x a AS base\nEXPOSE 1\nFROM Base\nEXPOSE 2\n", [1, 2]],
    ["none", "FROM a\n# EXPOSE 1\nRUN echo EXPOSE 2\n", []],
  ];
  for (const [name, dockerfile, ports] of cases) {
    await t.step(name, () => assert.deepEqual(exposedPorts(dockerfile), ports));
  }
});
