/** Tilt itself is not to be had: the Tiltfile is run as the Python that Starlark is a part of, with functions that take notes. */
import assert from "node:assert/strict";
import { z } from "zod";
import { readSources } from "./generate/sources.ts";

const FOLDER = new URL(".", import.meta.url).pathname;
/** Runs a Tiltfile; prints what it called, as JSON. A function that Tilt does not have is an error. */
const RUN = `
import ast, json, sys
calls = []
def noting(name):
    def note(*args, **named):
        calls.append([name, list(args), named])
        return name + ":" + str(args[0]) if args else name
    return note
text = sys.stdin.read()
# Starlark has none of these.
for node in ast.walk(ast.parse(text)):
    assert not isinstance(node, (ast.Import, ast.ImportFrom, ast.ClassDef, ast.Try, ast.While, ast.With, ast.Yield)), node
known = ["allow_k8s_contexts", "custom_build", "k8s_yaml", "kustomize", "k8s_resource"]
exec(compile(text, "Tiltfile", "exec"), {"__builtins__": {}, **{name: noting(name) for name in known}})
print(json.dumps(calls))
`;
const Calls = z.array(z.tuple([z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown())]));

async function calls(text: string): Promise<z.infer<typeof Calls>> {
  const child = new Deno.Command("python3", {
    args: ["-c", RUN],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return Calls.parse(JSON.parse(new TextDecoder().decode(stdout)));
}

Deno.test("the Tiltfile names the image, the workloads and the ports of the manifests, and files that are there", async () => {
  const made = await calls(await Deno.readTextFile(`${FOLDER}Tiltfile`));
  const { objects } = await readSources();
  const plain = objects.map(({ document }) => document.toJS());
  const workloads = plain.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet");
  const named = made.filter(([name]) => name === "k8s_resource");
  assert.deepEqual(
    named.map(([, [name]]) => name).toSorted(),
    workloads.map(({ metadata }) => metadata.name).toSorted(),
  );
  for (const [, [name], { port_forwards: forwards = [], resource_deps: needed = [] }] of named) {
    const { ports } = workloads.find(({ metadata }) =>
      metadata.name === name
    ).spec.template.spec.containers[0];
    const open = ports.map(({ containerPort }: { containerPort: number }) => containerPort);
    for (const each of z.array(z.string()).parse(forwards)) {
      assert.ok(
        open.includes(Number(each.split(":")[1])),
        each,
      );
    }
    for (const each of z.array(z.string()).parse(needed)) {
      assert.ok(workloads.some(({ metadata }) => metadata.name === each), each);
    }
  }
  const [, [image] = [], { deps } = {}] = made.find(([name]) => name === "custom_build") ?? [];
  const images = workloads.map(({ spec }) => String(spec.template.spec.containers[0].image));
  assert.equal(images.filter((each) => each.startsWith(`${image}:`)).length, 4);
  const [, [overlay] = []] = made.find(([name]) => name === "kustomize") ?? [];
  for (const path of [...z.array(z.string()).parse(deps), `${overlay}/kustomization.yaml`]) {
    await Deno.stat(`${FOLDER}${path}`);
  }
});

Deno.test("a Tiltfile that is no Starlark, or calls a function that Tilt does not have, is found", async () => {
  await assert.rejects(calls("import os"), /AssertionError/);
  await assert.rejects(calls("k8s_resources('a')"), /NameError/);
  await assert.rejects(calls("k8s_resource('a'"), /SyntaxError/);
});
