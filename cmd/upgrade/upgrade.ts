/** `unkey upgrade`: replaces this program by a newer release, after the proof that the publisher made it. */
import { defineCommand, type Process, VERSION } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, switchField, textSchema } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { compareVersions, parseBuildInfo, type Release } from "../../pkg/release/mod.ts";
import { RELEASE_EXITS } from "../shared/exit_codes.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { fetchProgram, fetchRelease } from "./download.ts";
import { checkPlace, packagingProblem } from "./place.ts";
import { replaceProgram } from "./replace.ts";

const FIELDS = {
  to: field({
    flag: "to",
    env: "UNKEY_UPGRADE_TO",
    placeholder: "<version>",
    help: "Version to change to, also an older one. Default: the newest release.",
    schema: textSchema(),
  }),
  check: switchField({
    flag: "check",
    env: "UNKEY_UPGRADE_CHECK",
    help: "Say whether there is a newer release, and change nothing.",
  }),
  output: field({
    flag: "output-file",
    env: "UNKEY_UPGRADE_OUTPUT_FILE",
    placeholder: "<file>",
    help: "Write the new executable to this file instead of replacing this one.",
    schema: textSchema(),
  }),
  url: field({
    flag: "release-url",
    env: "UNKEY_RELEASE_URL",
    placeholder: "<url>",
    help:
      "Mirror of the releases. The signature is checked all the same. Default: where this program came from.",
    schema: textSchema(),
  }),
  json: JSON_FIELD,
};

type Config = ConfigOf<typeof FIELDS>;

/** `unkey upgrade` */
export const command = defineCommand({
  exitCodes: RELEASE_EXITS,
  fields: FIELDS,
  notes:
    `The list of a release's files is signed with a key that is part of this program; a file that is not on it, or is
another one, is not used. The new executable has to start before it takes the place of this one, at once.`,
  async run({ config }, process) {
    const build = parseBuildInfo(await process.buildInfo() ?? "");
    const problem = packagingProblem(build, process.executable);
    if (build === undefined || (problem !== undefined && !config.check)) {
      throw publicFault("failed_precondition", problem ?? "");
    }
    const source = { url: config.url ?? build.url, publicKey: build.publicKey };
    const release = await fetchRelease({ ...source, version: config.to }, process);
    if (config.check || !isWanted(config, release)) return tell(config, release, undefined, process);
    const place = config.output ?? process.executable;
    if (config.output === undefined) await checkPlace(place);
    await using program = await fetchProgram({ url: source.url, release, beside: place }, process);
    await replaceProgram(program.path, place, process);
    tell(config, release, place, process);
  },
});

/**
 * Without `--to`, true for a newer release, and for a file also for this one; never for an older one, which a mirror may offer
 * as the newest. With `--to`, true for any other version, and for a file for every version.
 */
function isWanted({ to, output }: Config, { version }: Release): boolean {
  const order = compareVersions(version, VERSION);
  if (output !== undefined) return to !== undefined || order >= 0;
  return to === undefined ? order > 0 : order !== 0;
}

function tell(config: Config, { version }: Release, path: string | undefined, process: Process): void {
  if (config.json) {
    return process.stdout(jsonLine({ version: VERSION, release: version, path: path ?? null }));
  }
  process.stdout(`${sentence(config, version, path)}\n`);
}

function sentence(config: Config, version: string, path: string | undefined): string {
  if (config.output !== undefined && path !== undefined) return `unkey ${version} is in ${path}.`;
  if (path !== undefined) return `upgraded: unkey ${version} (was ${VERSION}).`;
  if (compareVersions(version, VERSION) > 0) {
    return `unkey ${version} is there, this is ${VERSION}: "unkey upgrade" changes to it.`;
  }
  return config.to === undefined
    ? `unkey ${VERSION} is the newest release.`
    : `The release is ${version}, this is ${VERSION}.`;
}
