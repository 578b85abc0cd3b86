import { openEngine } from "../../pkg/docker/mod.ts";
import { baseImageTar } from "../../pkg/testkit/base_image.ts";
import { importImage } from "../../pkg/testkit/images.ts";
import type { PrivateEngine } from "../../pkg/testkit/private_engine.ts";

/** Gives an engine of a test's own the image that apps are built from. */
export async function provideBaseImage({ host }: PrivateEngine): Promise<void> {
  const engine = openEngine(host);
  const changes = ["ENV PATH=/bin", 'CMD ["sh"]'];
  const image = { tar: await baseImageTar(), reference: "busybox:stable", changes };
  await importImage(engine, image, AbortSignal.timeout(60_000));
  engine.close();
}
