import { publicFault } from "../../pkg/fault/mod.ts";
import type { BuildInfo } from "../../pkg/release/mod.ts";
import { PLATFORM_UNIT, PROGRAM, UNIT_FOLDER } from "../shared/service_paths.ts";

/** The reason why this program cannot replace itself, and the way that can; `undefined` when it can. */
export function packagingProblem(build: BuildInfo | undefined, executable: string): string | undefined {
  if (build === undefined) {
    return "This program was built from a checkout, which belongs to no release: update the checkout " +
      '("git pull", then "deno task compile").';
  }
  if (build.packaging === "npm") {
    return 'npm installed this program, and upgrades it: "npm install --global unkey@latest".';
  }
  if (/[/\\]Cellar[/\\]unkey[/\\]/.test(executable)) {
    return 'Homebrew installed this program, and upgrades it: "brew upgrade unkey".';
  }
  return undefined;
}

/** The files of an installed Debian package, one a line. */
const DEBIAN_LIST = "/var/lib/dpkg/info/unkey.list";

/** The files that say who else looks after an executable. */
export interface Owners {
  readonly debianList: string;
  readonly serviceProgram: string;
  readonly serviceUnit: string;
}

const OWNERS: Owners = {
  debianList: DEBIAN_LIST,
  serviceProgram: PROGRAM,
  serviceUnit: `${UNIT_FOLDER}/${PLATFORM_UNIT}`,
};

/**
 * Checks that an executable may be replaced.
 *
 * @throws `failed_precondition` when a package or the service of this machine looks after it
 */
export async function checkPlace(executable: string, owners: Owners = OWNERS): Promise<void> {
  const owned = await Deno.readTextFile(owners.debianList).catch(() => "");
  if (owned.split("\n").includes(executable)) {
    throw publicFault(
      "failed_precondition",
      "A Debian package installed this program: install the package of the newer release with " +
        '"apt-get install ./unkey_<version>_<architecture>.deb".',
    );
  }
  const isService = executable === owners.serviceProgram &&
    await Deno.stat(owners.serviceUnit).then(() => true, () => false);
  if (!isService) return;
  throw publicFault(
    "failed_precondition",
    `The service of this machine runs ${executable}, and is upgraded without a failed request by ` +
      '"unkey upgrade --output-file ./unkey-next", then "sudo ./unkey-next up --install".',
  );
}
