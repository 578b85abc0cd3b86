import { untilReady } from "./daemon.ts";
import type { Starting } from "./folder.ts";
import { answers, built, freePorts, type Part } from "./part.ts";

const REGION = "eu-test-1";

/** A real S3 server over a folder. */
export const s3: Part = {
  name: "s3",
  async start(starting: Starting): Promise<void> {
    const program = await built("versitygw");
    const [port = 0] = freePorts(1);
    const keys = { accessKeyId: "testbed", secretAccessKey: crypto.randomUUID() };
    const data = `${starting.folder}/data`;
    await Deno.mkdir(data, { recursive: true });
    const daemon = await starting.launch({
      name: "versitygw",
      command: program,
      args: ["--region", REGION, "--port", `127.0.0.1:${port}`, "--quiet", "posix", data],
      env: { ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey },
    });
    await untilReady(daemon, () => answers(`http://127.0.0.1:${port}`));
    starting.done(`http://127.0.0.1:${port}`, { region: REGION, ...keys });
  },
};
