import assert from "node:assert/strict";
import { reservedImage } from "./reserved_images.ts";

const RESERVED = { below: ["unkey.local/", "r.example:443/apps/"], except: "r.example:443/apps/ws_a/" };

Deno.test("reservedImage() knows every way to look an image up, however its host is spelled", () => {
  const foreign = "unkey.local/ws_b/proj_2:d_2_secret";
  for (
    const step of [
      `[internal] load metadata for ${foreign}`,
      `resolve image config for ${foreign}`,
      `resolve image config for docker-image://${foreign}`,
      `FROM ${foreign}`,
      `[stage-0 1/2] FROM ${foreign}`,
      `[base 1/2] FROM --platform=linux/amd64 ${foreign}`,
    ]
  ) assert.equal(reservedImage(step, RESERVED), foreign, step);
  for (
    const image of [
      "UNKEY.LOCAL/x/y:1",
      "unkey.local:443/x/y:1",
      "unkey.local:0443/x/y:1",
      "r.example/apps/ws_b/p:1",
    ]
  ) {
    assert.equal(reservedImage(`FROM ${image}`, RESERVED), image);
  }
});

Deno.test("reservedImage() leaves other images and other steps alone", () => {
  for (
    const step of [
      "FROM docker.io/library/unkey.local:1",
      "FROM not-unkey.local/x/y:1",
      "FROM r.example/apps/ws_a/p:1",
      "FROM r.example/base/p:1",
      "[2/2] RUN echo FROM unkey.local/x/y:1",
      "[2/2] COPY --from=unkey.local/x/y:1 /a /a",
    ]
  ) assert.equal(reservedImage(step, RESERVED), undefined, step);
});
