import { findProgram, initialiseMariadb, MARIADB_FLAGS } from "../../pkg/testkit/mariadb.ts";
import { untilReady } from "./daemon.ts";
import type { Starting } from "./folder.ts";
import { freePorts, listens, type Part } from "./part.ts";

/** MariaDB, whose administrator needs no password on this machine. */
export const mysql: Part = {
  name: "mysql",
  async start(starting: Starting): Promise<void> {
    const program = findProgram("mariadbd");
    if (program === undefined) throw new Error("mariadbd is nowhere to be found.");
    const [port = 0] = freePorts(1);
    await initialiseMariadb(program, `${starting.folder}/data`);
    const daemon = await starting.launch({
      name: "mariadbd",
      command: program,
      args: [
        ...MARIADB_FLAGS,
        `--datadir=${starting.folder}/data`,
        `--socket=${starting.folder}/socket`,
        `--pid-file=${starting.folder}/pid`,
        `--port=${port}`,
      ],
    });
    await untilReady(daemon, () => listens(port));
    starting.done(`mysql://root@127.0.0.1:${port}/mysql`, {});
  },
};
