/** The paths of all files below a folder, relative to it, sorted. */
export async function walkFiles(folder: string, prefix = ""): Promise<readonly string[]> {
  const entries = await Array.fromAsync(Deno.readDir(`${folder}/${prefix}`));
  const paths = await Promise.all(
    entries.map(async ({ name, isDirectory }) =>
      isDirectory ? await walkFiles(folder, `${prefix}${name}/`) : [`${prefix}${name}`]
    ),
  );
  return paths.flat().toSorted();
}
