/** The Helm chart, made of the manifests: nothing in it is written by hand. */
import { type Document, isCollection, isMap, isScalar, isSeq, Scalar, stringify } from "yaml";
import denoConfig from "../../../deno.json" with { type: "json" };
import type { Source, Sources } from "./sources.ts";
import { CONFIG_KEYS, type Value, VALUES } from "./values.ts";
import { schemaOf, valuesFile } from "./values_files.ts";

/** The switch of each file; an object of a file that is not here is always made. */
const SWITCH_OF: Readonly<Record<string, string>> = {
  "ctrl-api.yaml": "controlPlane.enabled",
  "vault.yaml": "controlPlane.enabled",
  "ctrl-worker.yaml": "controlPlane.enabled",
  "restate.yaml": "restate.enabled",
  "buildkitd.yaml": "buildkitd.enabled",
  "krane.yaml": "krane.enabled",
  "krane-rbac.yaml": "krane.enabled",
  "krane-guard.yaml": "krane.enabled",
  "frontline.yaml": "frontline.enabled",
};
const RELEASE = "{{ .Release.Namespace }}";
const MARK = "unkeyvalue";

/** The chart's files, by their path in it. */
export function makeChart(sources: Sources): Map<string, string> {
  const files = new Map<string, string>();
  const byFile = Map.groupBy(sources.objects, ({ file }) => file);
  const defaults = new Map(VALUES.map((value) => [value.key, defaultOf(value, sources.objects)]));
  for (const [file, objects] of byFile) {
    const parts = objects.flatMap((each) => templateOf(each));
    if (parts.length > 0) files.set(`templates/${file}`, parts.join(""));
  }
  for (const [name, key] of CONFIG_KEYS) {
    files.set(`templates/settings-${name}.yaml`, settingsTemplate(name, key));
  }
  const shown = { defaults, settings: sources.settings };
  files.set("values.yaml", valuesFile(shown));
  files.set("values.schema.json", `${JSON.stringify(schemaOf(), null, 2)}\n`);
  files.set("Chart.yaml", chartFile());
  files.set("templates/NOTES.txt", NOTES);
  return files;
}

/** An object with its values' templates, in the condition of its switch. */
function templateOf({ file, document }: Source): string[] {
  const kind = String(document.get("kind"));
  // `helm install --create-namespace` makes it.
  if (kind === "Namespace") return [];
  const changed = document.clone();
  const templates: string[] = [];
  for (const value of VALUES) {
    for (const place of value.at) {
      if (place.kind !== kind || place.name !== document.getIn(["metadata", "name"])) continue;
      templates.push(value.template ?? `{{ toJson .Values.${value.key} }}`);
      setMark(changed, place.path, `${MARK}${templates.length - 1}x`);
    }
  }
  const text = changed.toString({ lineWidth: 0, directives: false }).replace(/^---\n/, "");
  const filled = inRelease(text)
    .replaceAll(new RegExp(`^( *)- ${MARK}(\\d+)x$`, "gm"), (_, indent: string, index: string) => {
      const list = /\.Values\S+/.exec(templates[Number(index)] ?? "")?.[0] ?? "";
      return `${indent}{{- range ${list} }}\n${indent}- {{ toJson . }}\n${indent}{{- end }}`;
    })
    .replaceAll(new RegExp(`${MARK}(\\d+)x`, "g"), (_, index: string) => templates[Number(index)] ?? "");
  const condition = conditionOf(file, kind);
  const body = `---\n${filled}`;
  return [condition === undefined ? body : `{{- if ${condition} }}\n${body}{{- end }}\n`];
}

function setMark(document: Document, path: readonly (string | number)[], mark: string): void {
  if (path.at(-1) === "+") {
    const list = document.getIn(path.slice(0, -1));
    if (isSeq(list)) list.add(new Scalar(mark));
    else document.setIn(path.slice(0, -1), document.createNode([mark]));
    return;
  }
  // A comment above a value stays with it.
  const former = document.getIn(path, true);
  const next = new Scalar(mark);
  if (isScalar(former) || isCollection(former)) {
    next.commentBefore = former.commentBefore ?? null;
    next.comment = former.comment ?? null;
  }
  const parent = document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) parent.set(path.at(-1), next);
  else document.setIn(path, next);
}

/** Names and addresses of the namespace that Helm installs into. */
function inRelease(text: string): string {
  return text.replaceAll(/\bnamespace: unkey$/gm, `namespace: ${RELEASE}`)
    .replaceAll(/\bunkey-(krane|edge|platform)\b/g, `${RELEASE}-$1`)
    .replaceAll("serviceaccount:unkey:", `serviceaccount:${RELEASE}:`)
    .replaceAll(".unkey.svc", `.${RELEASE}.svc`);
}

function conditionOf(file: string, kind: string): string | undefined {
  const own = kind === "RuntimeClass" ? "gvisor.enabled" : SWITCH_OF[file];
  const keys = [
    ...(own === undefined ? [] : [own]),
    ...(kind === "NetworkPolicy" ? ["networkPolicies.enabled"] : []),
  ];
  const [first, second] = keys.map((key) => `.Values.${key}`);
  return second === undefined ? first : `and ${first} ${second}`;
}

function settingsTemplate(name: string, key: string): string {
  return `---
apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
  namespace: ${RELEASE}
data:
  {{- range $name, $value := .Values.config.${key} }}
  {{ $name }}: {{ tpl $value $ | quote }}
  {{- end }}
`;
}

/** The value in the manifests; that of a list that is made longer, and of what is not there, is the fallback. */
function defaultOf(value: Value, objects: readonly Source[]): unknown {
  const [place] = value.at;
  const source = objects.find(({ document }) =>
    document.get("kind") === place?.kind && document.getIn(["metadata", "name"]) === place?.name
  );
  if (place === undefined || source === undefined) {
    throw new Error(`no manifest has a place for ${value.key}`);
  }
  const found: unknown = source.document.getIn(place.path);
  const plain: unknown = isCollection(found) ? found.toJSON() : found;
  const result = plain ?? value.fallback;
  if (result === undefined) throw new Error(`the manifests have nothing at the place of ${value.key}`);
  if (value.schema["required"] === undefined || typeof result !== "string") return result;
  const at = result.lastIndexOf(":");
  return { repository: result.slice(0, at), tag: result.slice(at + 1) };
}

function chartFile(): string {
  return stringify({
    apiVersion: "v2",
    name: "unkey",
    description: "The platform: control plane, agent and edge",
    type: "application",
    version: denoConfig.version,
    appVersion: denoConfig.version,
    kubeVersion: ">=1.30.0-0",
  });
}

const NOTES =
  `The api of {{ .Release.Namespace }} starts when its Secrets are there, and agent and edge when theirs are:

  dev/k8s/secrets.sh | kubectl -n {{ .Release.Namespace }} create -f -
  kubectl -n {{ .Release.Namespace }} exec deployment/ctrl-api -- unkey admin region-tokens create <region>
  kubectl -n {{ .Release.Namespace }} create secret generic krane --from-literal=control-plane-bearer=<its token>
  kubectl -n {{ .Release.Namespace }} exec deployment/ctrl-api -- unkey admin region-tokens create '*'
  kubectl -n {{ .Release.Namespace }} create secret generic frontline --from-literal=control-plane-bearer=<its token>

docs/operate/kubernetes.md has each step.
`;
