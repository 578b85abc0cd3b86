/**
 * Images for the services of `dev/docker-compose.yaml` that are not ours, from programs of this machine: no registry of
 * images need be reached. Each takes the settings, the paths and the user of the public image that the file names.
 */
import { dirname } from "node:path/posix";
import { findProgram } from "../../../pkg/testkit/mariadb.ts";
import { PARTS_CACHE, runCommand } from "../../../pkg/testkit/commands.ts";
import { findRestateServer } from "../../../pkg/restate_server/mod.ts";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { copyInto, copyLibraries } from "../../../dev/image_base.ts";
import type { Docker } from "./docker.ts";

/** A file of this machine, at a path in the image. */
interface Installed {
  readonly from: string;
  readonly to: string;
}

interface StandIn {
  readonly image: string;
  readonly programs: readonly Installed[];
  /** Further files and folders, as they are here. */
  readonly copied?: readonly string[];
  readonly texts?: Readonly<Record<string, string>>;
  /** Folders and their owners: a new volume takes both. */
  readonly owned?: Readonly<Record<string, number>>;
  /** Instructions as `docker import` takes them. */
  readonly changes: readonly string[];
}

const APPLETS = ["cat", "nc", "sh", "true", "wget"];
const GET_MS = 300_000;
const MYSQL_SHARE = "/usr/share/mysql";

/** The variable of the Compose file for each image that was built. */
export async function buildStandIns(docker: Docker): Promise<Readonly<Record<string, string>>> {
  const standIns = {
    UNKEY_MYSQL_IMAGE: mariadb(),
    UNKEY_S3_IMAGE: s3(),
    UNKEY_REGISTRY_IMAGE: await registry(),
  };
  const all: Record<string, StandIn> = { ...standIns, UNKEY_RESTATE_IMAGE: await restate() };
  for (const standIn of Object.values(all)) await build(docker, standIn);
  return Object.fromEntries(Object.entries(all).map(([variable, { image }]) => [variable, image]));
}

/** As `mariadb:10.11`: its entry point reads the same variables, and its health check is true after the first start only. */
function mariadb(): StandIn {
  const entry = `#!/bin/sh
set -eu
data=/var/lib/mysql
if [ ! -d "$data/mysql" ]; then
  password=$(cat "$MARIADB_PASSWORD_FILE")
  {
    printf '%s;\\n' "create database mysql" "use mysql" "set @auth_root_socket = null"
    cat ${MYSQL_SHARE}/mysql_system_tables.sql ${MYSQL_SHARE}/mysql_system_tables_data.sql
    printf '%s;\\n' "create database $MARIADB_DATABASE" "flush privileges" \\
      "create user $MARIADB_USER@'%' identified by '$password'" \\
      "grant all on $MARIADB_DATABASE.* to $MARIADB_USER@'%'"
  } | mariadbd --no-defaults --bootstrap --datadir="$data" --tmpdir=/tmp
fi
exec mariadbd --no-defaults --datadir="$data" --socket=/run/mysqld/mysqld.sock --tmpdir=/tmp --skip-name-resolve "$@"
`;
  return {
    image: "stand-in/mariadb",
    programs: [{ from: program("mariadbd"), to: "/usr/sbin/mariadbd" }],
    copied: [MYSQL_SHARE],
    texts: {
      "/usr/local/bin/docker-entrypoint.sh": entry,
      "/usr/local/bin/healthcheck.sh": "#!/bin/sh\nexec nc -w 5 127.0.0.1 3306 -e true\n",
    },
    owned: { "/var/lib/mysql": 999 },
    changes: ['ENTRYPOINT ["docker-entrypoint.sh"]', "VOLUME /var/lib/mysql"],
  };
}

function s3(): StandIn {
  return {
    image: "stand-in/versitygw",
    programs: [{ from: `${PARTS_CACHE}/bin/versitygw-1.8.0`, to: "/usr/local/bin/versitygw" }],
    owned: { "/data": 0 },
    changes: ['ENTRYPOINT ["/usr/local/bin/versitygw"]'],
  };
}

async function registry(): Promise<StandIn> {
  const config = {
    version: "0.1",
    storage: { filesystem: { rootdirectory: "/var/lib/registry" } },
    http: { addr: ":5000" },
  };
  return {
    image: "stand-in/registry",
    programs: [{ from: await registryProgram(), to: "/bin/registry" }],
    texts: { "/etc/docker/registry/config.yml": JSON.stringify(config) },
    owned: { "/var/lib/registry": 0 },
    changes: [
      'ENTRYPOINT ["registry"]',
      'CMD ["serve", "/etc/docker/registry/config.yml"]',
      "VOLUME /var/lib/registry",
    ],
  };
}

async function restate(): Promise<StandIn> {
  const { path } = await findRestateServer({
    env: (name) => Deno.env.get(name),
    clock: systemClock(),
    signal: AbortSignal.timeout(GET_MS),
  });
  return {
    image: "stand-in/restate",
    programs: [
      { from: path, to: "/usr/local/bin/restate-server" },
      { from: program("curl"), to: "/usr/bin/curl" },
    ],
    copied: ["/etc/ssl/certs/ca-certificates.crt"],
    owned: { "/restate-data": 0 },
    changes: ['ENTRYPOINT ["/usr/local/bin/restate-server"]'],
  };
}

function program(name: string): string {
  const found = findProgram(name);
  if (found === undefined) throw new Error(`${name} is nowhere to be found`);
  return found;
}

async function registryProgram(): Promise<string> {
  return (await runCommand(new URL("../../../dev/parts/registry.sh", import.meta.url).pathname)).trim();
}

/** One layer, imported as it is: nothing runs in it to build it. */
async function build(docker: Docker, standIn: StandIn): Promise<void> {
  const { image, programs, copied = [], texts = {}, owned = {}, changes } = standIn;
  const folder = await Deno.makeTempDir({ prefix: "unkey-stand-in-" });
  try {
    const root = `${folder}/root`;
    await copyInto(root, "/bin/busybox");
    for (const applet of APPLETS) await Deno.symlink("busybox", `${root}/bin/${applet}`);
    for (const each of programs) await install(root, each);
    for (const path of copied) {
      await Deno.mkdir(`${root}${dirname(path)}`, { recursive: true });
      await runCommand("cp", "-a", path, `${root}${path}`);
    }
    for (const [path, text] of Object.entries(texts)) {
      await Deno.mkdir(`${root}${dirname(path)}`, { recursive: true });
      await Deno.writeTextFile(`${root}${path}`, text, { mode: 0o755 });
    }
    for (const path of ["/tmp", "/etc", ...Object.keys(owned)]) {
      await Deno.mkdir(`${root}${path}`, { recursive: true });
    }
    await Deno.writeTextFile(`${root}/etc/passwd`, "root:x:0:0::/:/bin/sh\nmysql:x:999:999::/:/bin/sh\n");
    for (const [path, id] of Object.entries(owned)) await Deno.chown(`${root}${path}`, id, id);
    const tar = `${folder}/root.tar`;
    await runCommand("tar", "--numeric-owner", "-C", root, "-cf", tar, ".");
    const flags = ["ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/bin", ...changes]
      .flatMap((change) => ["--change", change]);
    await docker.run(["import", ...flags, tar, image]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A static program loads nothing. */
async function install(root: string, { from, to }: Installed): Promise<void> {
  await Deno.mkdir(`${root}${dirname(to)}`, { recursive: true });
  await Deno.copyFile(from, `${root}${to}`);
  await Deno.chmod(`${root}${to}`, 0o755);
  await copyLibraries(from, root).catch(() => undefined);
}
