import assert from "node:assert/strict";
import { dockerfileNotices } from "./mod.ts";

const without = { healthCheckPath: "" };

Deno.test("dockerfileNotices() names the volumes of the last stage and of the stages below it", () => {
  const [notice = "", ...others] = dockerfileNotices(
    `FROM node AS base\nVOLUME /data\nFROM other AS unused\nVOLUME /unused\nFROM base\nVOLUME ["/cache", '/var/lib']`,
    without,
  );
  assert.match(
    notice,
    /^Files in \/data, \/cache, \/var\/lib \(VOLUME of the Dockerfile\) end with each instance/,
  );
  assert.deepEqual(others, []);
});

Deno.test("dockerfileNotices() looks at the stage that is built", () => {
  const dockerfile = "FROM a AS api\nVOLUME /api\nFROM b AS web\nVOLUME /web";
  assert.match(dockerfileNotices(dockerfile, { ...without, target: "API" }).join(), /^Files in \/api /);
  assert.match(dockerfileNotices(dockerfile, without).join(), /^Files in \/web /);
});

Deno.test("dockerfileNotices() tells of a HEALTHCHECK that nothing asks for", () => {
  const dockerfile = "FROM node\nHEALTHCHECK --interval=1s CMD curl -f http://localhost/";
  assert.match(
    dockerfileNotices(dockerfile, without).join(),
    /HEALTHCHECK is not run here: .*--health-check-path/,
  );
  assert.deepEqual(dockerfileNotices(dockerfile, { healthCheckPath: "/up" }), []);
  assert.deepEqual(dockerfileNotices(`${dockerfile}\nHEALTHCHECK NONE`, without), []);
});

Deno.test("dockerfileNotices() says nothing about other instructions, comments and lower case included", () => {
  assert.deepEqual(dockerfileNotices("from x\n# VOLUME /a\nrun echo VOLUME /b", without), []);
  assert.equal(dockerfileNotices("from x\nvolume /a", without).length, 1);
  assert.deepEqual(dockerfileNotices("", without), []);
});
