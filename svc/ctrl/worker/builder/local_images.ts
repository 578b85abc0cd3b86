import { type Engine, listImages, removeImage } from "../../../../pkg/docker/mod.ts";
import { LOCAL_REGISTRY } from "../../../../pkg/build/mod.ts";
import { IMAGE_LABEL } from "../image_build/contract.ts";

/** An image that a build left in the engine. */
export interface LocalImage {
  readonly name: string;
  /** The deployment that it was built for; perhaps of another platform that shares the engine. */
  readonly deploymentId: string;
}

/** The images that builds left in an engine, and no others. */
export interface LocalImages {
  list(signal: AbortSignal): Promise<readonly LocalImage[]>;
  /** False: a container uses it, so it stays. */
  remove(name: string, signal: AbortSignal): Promise<boolean>;
}

/** An image is a build's when both its label and its name say so: anybody can write a label. */
export function createLocalImages(engine: Engine): LocalImages {
  return {
    async list(signal) {
      const found = await listImages(engine, IMAGE_LABEL.deployment, signal);
      return found.flatMap(({ tags, labels }) => {
        const deploymentId = labels[IMAGE_LABEL.deployment] ?? "";
        return tags.filter((name) => name.startsWith(`${LOCAL_REGISTRY}/`)).map((name) => ({
          name,
          deploymentId,
        }));
      });
    },
    remove: (name, signal) => removeImage(engine, name, signal),
  };
}
