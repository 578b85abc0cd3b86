// deno-lint-ignore-file no-console -- a program whose output is for the test that starts it
/**
 * The life of a server of one's own, from its installation to its end. Each step prints a line of JSON. Run it in a network
 * namespace of its own: `unshare --net deno run -A tests/e2e/server/scenario.ts`.
 */
import assert from "node:assert/strict";
import { connect } from "node:tls";
import { once } from "node:events";
import { listContainers, listImages, openEngine } from "../../../pkg/docker/mod.ts";
import { eventually } from "../../../pkg/testkit/eventually.ts";
import { Visitors } from "./visitors.ts";
import { ADDRESS, DOMAIN, World } from "./world.ts";

const API = `https://api.${DOMAIN}`;
const APP = `greeter-local.${DOMAIN}`;
const NEW = "/root/unkey";
const VISITORS = 8;
const UNITS = ["unkey.service", "unkey-edge.service", "unkey-edge.socket", "unkey-edge-next.service"];
/** A developer's machine trusts the test's authority. */
const TRUST = ["env", "DENO_CERT=/root/authority.pem", "HOME=/home/dev"];

await using world = await World.create();
const { machine } = world;

async function step(name: string, work: () => Promise<string | void>): Promise<void> {
  const startedMs = performance.now();
  try {
    const note = await work() ?? "";
    console.log(JSON.stringify({ name, note, ms: Math.round(performance.now() - startedMs) }));
  } catch (error) {
    const journal = (await machine.run(["journalctl", "--no-pager", "--output=cat", "--lines=80"])).stdout;
    console.log(JSON.stringify({ name, error: `${Deno.inspect(error)}\n${journal}` }));
    throw error;
  }
}

async function mainPid(unit: string): Promise<string> {
  return (await machine.must("systemctl", "show", "--value", "--property=MainPID", unit)).trim();
}

/** Upgrades to the program at `NEW` while visitors come, of whom none may notice. */
async function upgraded(code: number): Promise<string> {
  const visitors = new Visitors(APP, await world.pebble.root(), VISITORS);
  await eventually("the first visits", () => visitors.count >= 50);
  const result = await machine.run([NEW, "up", "--install", "--program", NEW]);
  const before = visitors.count;
  await eventually("visits after it", () => visitors.count >= before + 50);
  const { count, failures, slowestMs } = await visitors.stop();
  assert.equal(result.code, code, `${result.stdout}${result.stderr}`);
  assert.deepEqual(failures, []);
  return `${count} requests, 0 failed, the slowest ${slowestMs} ms\n${result.stdout}${result.stderr}`;
}

let installed = "";

await step(
  "install sets up the service, its certificate and a login code, and has nothing to warn of",
  async () => {
    await world.bring(NEW, 1);
    await machine.boot();
    const result = await machine.run([
      ...[NEW, "up", "--install", "--program", NEW, "--domain", DOMAIN, "--email", "ops@example.com"],
      "--project",
      "greeter",
      ...world.flags,
    ]);
    assert.equal(result.code, 0, result.stdout + result.stderr);
    assert.doesNotMatch(result.stderr, /^! +(dns|firewall)/m);
    assert.match(result.stderr, new RegExp(`^ok certificate +api\\.${DOMAIN} `, "m"));
    installed = result.stdout;
    assert.match(installed, new RegExp(`^ready: ${API}$`, "m"));
  },
);

await step("the units are what systemd takes, and neither process has a privilege", async () => {
  const { code, stderr } = await machine.run([
    "systemd-analyze",
    "verify",
    ...UNITS.map((unit) => `/etc/systemd/system/${unit}`),
  ]);
  assert.deepEqual([code, stderr], [0, ""]);
  for (const unit of UNITS.slice(0, 2)) {
    const status = await machine.must("cat", `/proc/${await mainPid(unit)}/status`);
    assert.match(status, /^CapEff:\s+0+$/m, unit);
    assert.match(status, /^Uid:\s+6\d{4}/m, `${unit} runs as a user of its own`);
    assert.match(status, /^NoNewPrivs:\s+1$/m, unit);
  }
  const listening = await machine.must("ss", "--listening", "--tcp", "--numeric", "--no-header");
  const open = listening.split("\n").map((line) => line.trim().split(/\s+/)[3] ?? "")
    .filter((address) => address !== "" && !address.startsWith("127.") && !address.startsWith("[::1]"));
  assert.deepEqual(
    open.filter((address) => !/:(80|443)$/.test(address)),
    [],
    "all other ports are on loopback",
  );
});

await step("login from another machine takes the code once, and deploy gives https:// by name", async () => {
  const code = /^ {2}code +(\S+)$/m.exec(installed)?.[1] ?? "";
  await Deno.writeTextFile(machine.path("/root/authority.pem"), await world.pebble.root());
  await Deno.writeTextFile(machine.path("/etc/hosts"), `${ADDRESS} api.${DOMAIN} ${APP}\n`, { append: true });
  const login = await machine.run([...TRUST, "unkey", "login", API], code);
  assert.equal(login.code, 0, login.stderr);
  assert.equal(login.stdout, `Logged in to ${API}, workspace local.\n`);
  const again = await machine.run([...TRUST, "HOME=/tmp", "unkey", "login", API], code);
  assert.equal(again.code, 4, again.stderr);

  const folder = machine.path("/home/dev/greeter");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(
    `${folder}/Dockerfile`,
    'FROM unkey-test/busybox:latest\nCOPY index.html /www/\nCMD exec httpd -f -p "$PORT" -h /www\n',
  );
  await Deno.writeTextFile(`${folder}/index.html`, "hello from a server");
  const deploy = await machine.run([
    ...[...TRUST, "unkey", "deploy", "/home/dev/greeter", "--project", "greeter"],
    ...["--env", "production", "--branch", "main"],
  ]);
  assert.equal(deploy.code, 0, deploy.stderr);
  assert.match(deploy.stdout, new RegExp(`https://${APP}`));
  assert.deepEqual(await world.get(APP), { status: 200, body: "hello from a server" });
});

await step("a stranger's name gets no certificate, and none is ordered for it", async () => {
  const servername = `stranger.${DOMAIN}`;
  const socket = connect({ host: ADDRESS, port: 443, servername, rejectUnauthorized: false });
  await assert.rejects(once(socket, "secureConnect"));
  socket.destroy();
  assert.ok(!(await world.pebble.log()).includes(servername));
});

await step("an upgrade fails no request, and both processes are new", async () => {
  await world.bring(NEW, 2);
  const before = await Promise.all(UNITS.slice(0, 2).map(mainPid));
  const note = await upgraded(0);
  assert.match(await Deno.readTextFile(machine.path("/usr/local/bin/unkey")), /version 2/);
  const after = await Promise.all(UNITS.slice(0, 2).map(mainPid));
  for (const [index, pid] of after.entries()) assert.notEqual(pid, before[index]);
  assert.equal((await machine.run(["systemctl", "is-active", "unkey-edge-next"])).stdout, "inactive\n");
  return note;
});

await step(
  "an upgrade to a program that does not start fails no request, and the former one runs again",
  async () => {
    const script = await Deno.readTextFile(machine.path(NEW));
    const broken = script.replace("exec ", '[ "$#" -gt 1 ] || exit 3\nexec ').replace(
      "version 2",
      "version 3",
    );
    await Deno.writeTextFile(machine.path(NEW), broken);
    const note = await upgraded(1);
    assert.match(note, /The new version did not start; the former one runs again/);
    assert.match(await Deno.readTextFile(machine.path("/usr/local/bin/unkey")), /version 2/);
    return note;
  },
);

await step("killed processes are started again, and a reboot brings everything back", async () => {
  for (const unit of UNITS.slice(0, 2)) await machine.must("systemctl", "kill", "--signal=KILL", unit);
  await eventually("the app", async () => (await world.get(APP).catch(() => undefined))?.status === 200);
  await eventually(
    "the control plane",
    async () => (await world.get(`api.${DOMAIN}`, "/health/ready").catch(() => undefined))?.status === 200,
  );
  await machine.cut();
  await world.engine.stop();
  await world.engine.start();
  await machine.boot();
  await eventually("the app", async () => (await world.get(APP).catch(() => undefined))?.status === 200);
  const { code, stderr } = await machine.run([...TRUST, "unkey", "status"]);
  assert.equal(code, 0, stderr);
});

await step("uninstall asks before it removes data, and leaves nothing", async () => {
  const asked = await machine.run(["unkey", "up", "--uninstall"]);
  assert.equal(asked.code, 1);
  assert.match(asked.stderr, /no terminal to ask on\. Say --yes/);
  assert.equal((await world.get(APP)).status, 200);
  const done = await machine.run(["unkey", "up", "--uninstall", "--yes"]);
  assert.equal(done.code, 0, done.stderr);
  const left = await machine.run([
    "sh",
    "-c",
    "find / -xdev -iname '*unkey*' -not -path '/opt/*' -not -path '/proc/*' -not -path '/root/*' -not -path '/home/*' -not -path '/etc/unkey-test*'; systemctl list-units --all --no-legend 'unkey*'; ss -Hltn",
  ]);
  assert.equal(left.stdout.replace(/^LISTEN.*127\.0\.0\.1.*\n/gm, ""), "");
  const docker = openEngine(world.engine.host);
  const signal = AbortSignal.timeout(10_000);
  assert.deepEqual(await listContainers(docker, [], signal), []);
  assert.deepEqual(await listImages(docker, "dev.unkey.deployment", signal), []);
  docker.close();
});
