/** The version that this project is tested with. */
export const RESTATE_VERSION = "1.7.12";

/** One platform's package: its name, and what its tarball must hash to. */
export interface Release {
  readonly packageName: string;
  /** SHA-512 of the tarball, base64. */
  readonly sha512: string;
}

/** By `Deno.build`'s system and architecture. */
const RELEASES: Readonly<Record<string, Release>> = {
  "linux-x86_64": {
    packageName: "@restatedev/restate-server-linux-x64",
    sha512: "URotJ1AIqaSCDkRMl4OrQfTLH+NYuOZb3ZsP7wxxiuAB6pncgPhTUYSvegTF5PTrAShnNyHNpju9kjf2O3QxoA==",
  },
  "linux-aarch64": {
    packageName: "@restatedev/restate-server-linux-arm64",
    sha512: "aV7YxWvPhp88MjQtObGDhDCTwCBa68wwZOAMmJqDreO0auHYuSfOqabEx4I90coZsx3zShNusppbTPKprOa+dw==",
  },
  "darwin-x86_64": {
    packageName: "@restatedev/restate-server-darwin-x64",
    sha512: "ZRS1kk3S4pzIiup2IRRQ3eHoKJSZ43FG4rDe7UbGFWwZ/Yz0xSDa4/3/kiuwaMHXWs/CsKtJe0shx8JCR0DO1g==",
  },
  "darwin-aarch64": {
    packageName: "@restatedev/restate-server-darwin-arm64",
    sha512: "pHrZMaaeBJxXTgI19WG/aJvxuUDQ2nhSDEEJVseTZQiTEdJ7hboPlhvYacgXIE2iMnLMmWkN5XIlXqosHK8Byg==",
  },
};

/** The package for a system, or `undefined` where Restate has none. */
export function releaseFor(os: string, arch: string): Release | undefined {
  return RELEASES[`${os}-${arch}`];
}

/** Where every npm registry keeps a package's tarball. */
export function tarballUrl(registry: string, { packageName }: Release): string {
  const file = `${packageName.split("/")[1]}-${RESTATE_VERSION}.tgz`;
  return `${registry.replace(/(?<!\/)\/+$/, "")}/${packageName}/-/${file}`;
}
