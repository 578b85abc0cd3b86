import type { MessageInitShape } from "@bufbuild/protobuf";
import { stat } from "node:fs/promises";
import { join, relative } from "node:path";
import type { DockerfileSource } from "../../pkg/archive/mod.ts";
import type { CreateDeploymentRequestSchema } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { FolderSource } from "../shared/context/list_folder.ts";
import { describePlace, type Place } from "../shared/place.ts";
import { type ReadBuild, readBuildSettings } from "./build_settings.ts";
import type { DeployOptions } from "./config.ts";
import { checkFolder, sendFolder, type SendOptions } from "./send_folder.ts";

/** An image, or a folder that was found to be usable. */
export type Source =
  | { readonly kind: "image"; readonly image: string }
  | {
    readonly kind: "folder";
    readonly folder: FolderSource;
    readonly settings: ReadBuild["settings"];
  };

/** Reads everything that can be wrong on this machine, before the control plane is called. */
export async function readSource({ config, place, process, report }: DeployOptions): Promise<Source> {
  const { image } = config;
  if (image !== undefined) return { kind: "image", image };
  const dockerfile = await checkFolder(place, process);
  const { folder } = place;
  const text = describePlace(place, dockerfile, process.cwd);
  if (text !== undefined) report.line(`   ${text}`);
  const unused = await unusedDockerfile(place, dockerfile, process.cwd);
  if (unused !== undefined) report.note(unused);
  const { settings, notes } = await readBuildSettings(config, process);
  for (const note of notes) report.note(note);
  const { includeGit } = config;
  return { kind: "folder", folder: { folder, dockerfile, includeGit }, settings };
}

/** An app's folder below an `unkey.json` of another app would otherwise deploy that one without a word. */
async function unusedDockerfile(
  { folder, isOfFile, file = "" }: Place,
  used: DockerfileSource,
  cwd: string,
): Promise<string | undefined> {
  const own = join(cwd, "Dockerfile");
  if (!isOfFile || folder === cwd || used.file === own) return undefined;
  if (!await stat(own).then((info) => info.isFile(), () => false)) return undefined;
  return `the Dockerfile of this folder is not used, since ${relative(cwd, file)} holds here: ` +
    '"unkey deploy ." builds this folder';
}

/** Packs and uploads a folder; returns the source as the request of a deployment has it. */
export async function prepareSource(
  source: Source,
  options: Omit<SendOptions, "source">,
): Promise<NonNullable<MessageInitShape<typeof CreateDeploymentRequestSchema>["source"]>> {
  if (source.kind === "image") return { case: "dockerImage", value: source.image };
  const { folder, settings } = source;
  const buildContextPath = await sendFolder({ ...options, source: folder });
  const { name, content } = folder.dockerfile;
  return {
    case: "buildContext",
    value: { buildContextPath, dockerfilePath: name, dockerfile: content, settings },
  };
}
