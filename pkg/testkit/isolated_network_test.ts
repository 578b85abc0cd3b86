import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { parseAllDocuments } from "yaml";
import { GLOBAL_V6, PRIVATE_V4, PRIVATE_V6 } from "../registry/mod.ts";
import { runCommand } from "./commands.ts";
import { canIsolate, IsolatedNetwork } from "./isolated_network.ts";
import { freePort } from "./ports.ts";

const ignore = !await canIsolate();
/** A packet that is lost would be sent again for minutes. */
const ANSWER_MS = 10_000;

/** Asks for a page from inside; answers with it, or with the error. */
async function get(network: IsolatedNetwork, host: string, port: number): Promise<string> {
  const script = `setTimeout(() => { console.log("no answer"); Deno.exit(); }, ${ANSWER_MS});
  try {
    const connection = await Deno.connect({ hostname: ${JSON.stringify(host)}, port: ${port} });
    console.log(new TextDecoder().decode(await new Response(connection.readable).bytes()));
  } catch (error) { console.log(error.message); }
  Deno.exit();`;
  const [command, ...args] = network.inside(Deno.execPath(), "eval", "--quiet", script);
  const { stdout, stderr } = await new Deno.Command(command, { args, env: { NO_COLOR: "1" } }).output();
  return new TextDecoder().decode(stdout).trim() + new TextDecoder().decode(stderr);
}

/** A server that sends "hello" to each connection. */
function greeter(hostname: string): { readonly port: number; close(): void } {
  const listener = Deno.listen({ hostname, port: freePort() });
  void (async () => {
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode("hello"));
      connection.close();
    }
  })();
  return { port: listener.addr.port, close: () => listener.close() };
}

Deno.test("the shipped NetworkPolicy of a builder denies the same ranges", async () => {
  const file = new URL("../../dev/k8s/manifests/buildkitd.yaml", import.meta.url);
  const documents = parseAllDocuments(await Deno.readTextFile(file)).map((each) => each.toJS());
  const policy = documents.find(({ kind }) => kind === "NetworkPolicy");
  const cidrs = (ranges: readonly (readonly [string, number])[]): string[] =>
    ranges.map(([network, prefix]) => `${network}/${prefix}`);
  assert.deepEqual(policy.spec.egress[0].to, [
    { ipBlock: { cidr: "0.0.0.0/0", except: cidrs(PRIVATE_V4) } },
    { ipBlock: { cidr: cidrs([GLOBAL_V6])[0], except: cidrs(PRIVATE_V6) } },
  ]);
});

Deno.test({
  name: "an isolated network",
  ignore,
  fn: async (t) => {
    // On IPv6 too.
    const everywhere = greeter("::");
    const allowed = greeter("127.0.0.1");
    let name = "";
    {
      await using network = await IsolatedNetwork.open({
        allow: [`localhost:${allowed.port}`, `127.0.0.1:${allowed.port}`],
      });
      name = network.name;
      const own = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
        .filter(({ family, internal }) => family === "IPv4" && !internal);

      await t.step("reaches what is allowed, under its own name", async () => {
        for (const host of ["127.0.0.1", "localhost"]) {
          assert.equal(await get(network, host, allowed.port), "hello", host);
        }
      });

      await t.step("reaches no other port of the machine, on any of its addresses", async () => {
        assert.match(await get(network, "127.0.0.1", everywhere.port), /refused/);
        assert.ok(own.length > 0);
        for (const { address } of own) {
          assert.match(await get(network, address, everywhere.port), /No route to host|unreachable/, address);
        }
      });

      await t.step("reaches no private and no link-local address", async () => {
        for (const host of ["169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1"]) {
          assert.match(await get(network, host, 80), /No route to host/, host);
        }
      });

      await t.step("has no IPv6, also when it has addresses", async () => {
        const add = ["-6", "addr", "add"];
        // Without "nodad" an address can be used only after a second.
        await runCommand("ip", ...add, "fd77::1/64", "dev", name, "nodad");
        await runCommand("ip", "-n", name, ...add, "fd77::2/64", "dev", "eth0", "nodad");
        assert.match(await get(network, "fd77::1", everywhere.port), /refused|No route to host|denied/);
      });
    }
    everywhere.close();
    allowed.close();
    assert.doesNotMatch(await runCommand("ip", "netns"), new RegExp(name));
    await assert.rejects(Deno.lstat(`/sys/class/net/${name}`), Deno.errors.NotFound);
  },
});
