import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { isFault } from "../fault/mod.ts";
import { ManualClock } from "../testkit/manual_clock.ts";
import { podAccess } from "./pod_access.ts";
import { TlsApi } from "./testing_tls_api.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("outside of a pod a kubeconfig is asked for", async () => {
  await assert.rejects(
    podAccess({ clock: systemClock(), folder: "/nonexistent" }),
    (error) => isFault(error, "failed_precondition") && /--kubeconfig/.test(error.publicMessage ?? ""),
  );
});

Deno.test("a pod's token is read again after a minute", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/ca.crt`, "authority");
    await Deno.writeTextFile(`${folder}/token`, "first\n");
    const clock = new ManualClock();
    const access = await podAccess({ clock, folder });
    const token = async (): Promise<string | undefined> => (await access.credentials()).headers[0]?.[1];
    assert.equal(await token(), "Bearer first");
    await Deno.writeTextFile(`${folder}/token`, "second\n");
    assert.equal(await token(), "Bearer first");
    await clock.advance(60_000);
    assert.equal(await token(), "Bearer second");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Runs `program` with a library of Kubernetes that cannot be loaded. */
async function runWithoutLibrary(api: TlsApi, program: string): Promise<{ code: number; output: string }> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const trap = `data:text/javascript,throw new Error("the library was loaded"); export class KubeConfig {}`;
  const imports = { ...config.imports, "@kubernetes/client-node": trap };
  const map = await api.write("imports.json", { imports });
  const file = await api.write(
    "program.ts",
    `import { clusterVersion, loadAccess, openCluster } from "${new URL("pkg/kube/mod.ts", ROOT)}";
     import { podAccess } from "${new URL("pkg/kube/pod_access.ts", ROOT)}";
     import { systemClock } from "${new URL("pkg/clock/mod.ts", ROOT)}";
     ${program}
     const cluster = openCluster(access);
     console.log(await clusterVersion(cluster, AbortSignal.timeout(60_000)));
     cluster.close();`,
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", "--no-lock", `--import-map=${map}`, file],
    cwd: ROOT,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** The library is 15 MB in the executable, and 83 MB when it runs from its sources. */
Deno.test("a pod calls its cluster without the library that reads kubeconfigs", async (t) => {
  await using api = await TlsApi.open();
  await Deno.mkdir(`${api.folder}/pod`);
  await Deno.copyFile(api.files.authority, `${api.folder}/pod/ca.crt`);
  await api.write("pod/token", "of-the-pod");
  await t.step("pod", async () => {
    const place = JSON.stringify({ folder: `${api.folder}/pod`, server: api.server });
    const { code, output } = await runWithoutLibrary(
      api,
      `const access = await podAccess({ clock: systemClock(), ...${place} });`,
    );
    assert.equal(code, 0, output);
    assert.match(output, /v1\.36\.0/);
    assert.equal(api.seen.at(-1)?.authorization, "Bearer of-the-pod");
  });
  await t.step("kubeconfig", async () => {
    const kubeconfig = JSON.stringify(await api.kubeconfig({ token: "abc" }));
    const { output } = await runWithoutLibrary(
      api,
      `const access = await loadAccess({ kubeconfig: ${kubeconfig} });`,
    );
    assert.match(output, /the library was loaded/);
  });
});
