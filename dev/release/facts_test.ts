import assert from "node:assert/strict";
import { sectionOf } from "./facts.ts";

const CHANGELOG = `# Changelog

## [Unreleased]

new

## [0.2.0] - 2027-01-02

### Added

- one

## [0.1.0] - 2026-12-01

first
`;

Deno.test("the notes of a release are its section of the changelog", () => {
  assert.equal(sectionOf(CHANGELOG, "0.2.0"), "### Added\n\n- one");
  assert.equal(sectionOf(CHANGELOG, "0.1.0"), "first");
  assert.equal(sectionOf(CHANGELOG, "0.3.0"), undefined);
});
