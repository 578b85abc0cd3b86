import { archiveName, fileUrl, type ReleaseFile, TARGETS } from "../../pkg/release/mod.ts";
import type { ReleaseFacts } from "./facts.ts";

const SYSTEMS = [["macos", "darwin"], ["linux", "linux"]] as const;
const ARCHITECTURES = [["arm", "aarch64"], ["intel", "x86_64"]] as const;

/** The formula for Homebrew: the archives of those systems that the release has, with their hashes. */
export function homebrewFormula(
  url: string,
  files: readonly ReleaseFile[],
  { version }: ReleaseFacts,
): string {
  const blocks = SYSTEMS.map(([block, os]) => {
    const inner = ARCHITECTURES.flatMap(([condition, arch]) => {
      const target = TARGETS.find((each) => each.os === os && each.arch === arch);
      const file = files.find(({ name }) => target !== undefined && name === archiveName(version, target));
      if (file === undefined) return [];
      return [`    on_${condition} do
      url "${fileUrl(url, version, file.name)}"
      sha256 "${file.sha256}"
    end
`];
    }).join("");
    return inner === "" ? "" : `  on_${block} do\n${inner}  end\n\n`;
  }).join("");
  return `class Unkey < Formula
  desc "Deploy platform in one program"
  homepage "${url.replace(/\/releases$/, "")}"
  version "${version}"
  license "Apache-2.0"

${blocks}  def install
    bin.install "unkey"
    bash_completion.install "completions/unkey.bash" => "unkey"
    zsh_completion.install "completions/unkey.zsh" => "_unkey"
    fish_completion.install "completions/unkey.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/unkey version")
  end
end
`;
}
