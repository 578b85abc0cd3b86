import assert from "node:assert/strict";
import { commandLine, frontendImage, isAllowedFrontend } from "./frontend_image.ts";
import { FRONTENDS_DEFAULT } from "./source_policy.ts";

/** Answers of BuildKit 0.33 (`DetectSyntax`). */
Deno.test("frontendImage() finds the directive where BuildKit does", async (t) => {
  const table: readonly (readonly [dockerfile: string, reference: string | undefined])[] = [
    ["# syntax=x/y:1\nFROM a", "x/y:1"],
    ["# syntax=x/y:1", "x/y:1"],
    ["#syntax = x/y:1\n", "x/y:1"],
    ["#\t syntax\t=\tx/y:1 \t\n", "x/y:1"],
    ["# SYNTAX=x/y:1\n", "x/y:1"],
    ["# Syntax=X/y:1\n", "X/y:1"],
    ["# syntax=x/y:1\r\nFROM a\r\n", "x/y:1"],
    ["# syntax=x/y:1 with words\n", "x/y:1"],
    ["\ufeff# syntax=x/y:1\n", "x/y:1"],
    ["#!/usr/bin/env -S docker build\n# syntax=x/y:1\n", "x/y:1"],
    ["\ufeff#!/bin/sh\n# syntax=x/y:1\n", "x/y:1"],
    ["# escape=`\n# syntax=x/y:1\n", "x/y:1"],
    ["# check=skip=all\r\n# escape=`\r\n# syntax=x/y:1\r\n", "x/y:1"],
    ["# syntax=x/y:1\n# syntax=z\n", "x/y:1"],
    ["// syntax=x/y:1\n", "x/y:1"],
    ["//syntax=x/y:1\n", "x/y:1"],
    ["// escape=`\n// syntax=x/y:1\n", "x/y:1"],
    ['{"syntax": "x/y:1"}', "x/y:1"],
    ['\ufeff {"a": 1, "syntax": "x/y:1"}', "x/y:1"],
    ['#!/bin/sh\n{"syntax": "x/y:1"}', "x/y:1"],
    ['{"syntax": "z", "syntax": "x/y:1"}', "x/y:1"],
    ["", undefined],
    ["FROM a\n# syntax=x/y:1\n", undefined],
    ["\n# syntax=x/y:1\n", undefined],
    [" # syntax=x/y:1\n", undefined],
    ["# a comment\n# syntax=x/y:1\n", undefined],
    ["#\n# syntax=x/y:1\n", undefined],
    ["# other=1\n# syntax=x/y:1\n", undefined],
    ["# escape=`\n# escape=`\n# syntax=x/y:1\n", undefined],
    ["# escape=`\n// syntax=x/y:1\n", undefined],
    ["// escape=`\n# syntax=x/y:1\n", undefined],
    ["# syntax=\n", undefined],
    ["# syntax x/y:1\n", undefined],
    ["# syn tax=x/y:1\n", undefined],
    ["#!/bin/sh\n\n# syntax=x/y:1\n", undefined],
    ["#!/bin/sh # syntax=x/y:1", undefined],
    ["\ufeff\ufeff# syntax=x/y:1\n", undefined],
    ["/* syntax=x/y:1 */\n", undefined],
    ['{"syntax": 1}', undefined],
    ['{"Syntax": "x/y:1"}', undefined],
    ['{"syntax": "x/y:1"', undefined],
    ['{"syntax": "x/y:1"}\nFROM a', undefined],
    ['["syntax"]', undefined],
    ["null", undefined],
  ];
  for (const [dockerfile, reference] of table) {
    await t.step(
      JSON.stringify(dockerfile),
      () => assert.equal(frontendImage(dockerfile)?.reference, reference),
    );
  }
});

Deno.test("frontendImage() keeps the whole line for the frontend", () => {
  assert.deepEqual(frontendImage("# syntax=x/y:1 with  words \r\n"), {
    reference: "x/y:1",
    commandLine: "x/y:1 with  words",
  });
  assert.deepEqual(commandLine(" x/y:1\targument "), {
    reference: "x/y:1\targument",
    commandLine: "x/y:1\targument",
  });
});

Deno.test("frontendImage() takes time in proportion to the file", () => {
  const started = performance.now();
  frontendImage(`# syntax${" ".repeat(500_000)}x\n`);
  frontendImage(`# syntax=a${" ".repeat(500_000)}b\n`);
  frontendImage("# escape=`\n".repeat(50_000));
  frontendImage(`{${" ".repeat(500_000)}`);
  assert.ok(performance.now() - started < 20_000);
});

Deno.test("isAllowedFrontend() goes by the name that Docker completes", async (t) => {
  const table = {
    allowed: [
      "docker/dockerfile",
      "docker/dockerfile:1",
      "docker/dockerfile:1.7-labs",
      "docker/dockerfile@sha256:0123456789abcdef",
      "docker/dockerfile:1@sha256:0123456789abcdef",
      "docker.io/docker/dockerfile:1",
      "index.docker.io/docker/dockerfile:1",
      "DOCKER.IO/docker/dockerfile:1",
      "docker/dockerfile-upstream:master",
      "localhost:5000/frontend:1",
      "localhost:5000/frontend",
    ],
    refused: [
      "",
      "dockerfile",
      "docker",
      "library/docker/dockerfile",
      "docker/dockerfile.evil.com/x",
      "docker/dockerfile/x",
      "docker/dockerfile2",
      "docker/dockerfile:1/x",
      "docker/dockerfile:1:2",
      "docker/dockerfile@evil.com/x",
      "docker/dockerfile:1@evil.com/x",
      "docker/dockerfile:1@sha256:01@sha256:02",
      "docker/dockerfile:1\targument",
      "docker/dockerfile:",
      "docker/dockerfile@",
      "docker/Dockerfile:1",
      // A host of one word to Docker.
      "Docker/dockerfile:1",
      "docker:443/dockerfile:1",
      "docker.io:8080/docker/dockerfile:1",
      "docker.io.evil.com/docker/dockerfile:1",
      "evil.com/docker/dockerfile:1",
      "evil.com/docker.io/docker/dockerfile:1",
      "user@docker.io/docker/dockerfile:1",
      "https://docker.io/docker/dockerfile:1",
      "docker-image://docker/dockerfile:1",
      "localhost:5001/frontend:1",
      "localhost/frontend:1",
      "frontend:1",
    ],
  };
  const allowed = [...FRONTENDS_DEFAULT, "localhost:5000/frontend"];
  for (const [expected, references] of [[true, table.allowed], [false, table.refused]] as const) {
    for (const reference of references) {
      await t.step(`${expected ? "allows" : "refuses"} ${JSON.stringify(reference)}`, () => {
        assert.equal(isAllowedFrontend(commandLine(reference), allowed), expected);
      });
    }
  }
});
