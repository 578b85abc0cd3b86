/** The TypeScript files of the checkout that git knows. */

const ROOT = new URL("../../", import.meta.url).pathname;

/** Paths from the root, without generated code; files that are not committed yet are there too. */
export async function sourcePaths(): Promise<string[]> {
  const args = ["-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "*.ts", "*.tsx"];
  const { success, stdout, stderr } = await new Deno.Command("git", { args }).output();
  if (!success) throw new Error(`git ls-files failed: ${new TextDecoder().decode(stderr)}`);
  const paths = new TextDecoder().decode(stdout).split("\n")
    .filter((path) => path !== "" && !path.startsWith("proto/gen/"));
  const present = await Promise.all(
    paths.map((path) => Deno.stat(ROOT + path).then(() => true, () => false)),
  );
  return [...new Set(paths.filter((_, index) => present[index]))].sort();
}

export function readSource(path: string): Promise<string> {
  return Deno.readTextFile(ROOT + path);
}
