import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { canRun } from "../../pkg/testkit/commands.ts";
import { Random } from "../differential/random.ts";
import { Disk } from "./power_cut/disk.ts";
import { type Event, parseTrace, traced } from "./power_cut/trace.ts";

const WRITER = new URL("power_cut/writer.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const STEPS = 25;
/** Different states of the disk for each moment of the cut: nothing that was not synced, and random parts of it. */
const STATES = 3;

/** The last step and the last state of which the process had said that they are kept. */
interface Said {
  step: number;
  state: number;
}

async function steps(folder: string): Promise<number[]> {
  const path = join(folder, "unkey.db");
  if (!(await Deno.stat(path).then(() => true, () => false))) return [];
  const db = new DatabaseSync(path);
  try {
    assert.deepEqual(db.prepare("pragma integrity_check").get(), { __proto__: null, integrity_check: "ok" });
    const exists = db.prepare("select 1 from sqlite_master where name = 'steps'").get() !== undefined;
    return exists ? db.prepare("select id from steps order by id").all().map(({ id }) => Number(id)) : [];
  } finally {
    db.close();
  }
}

/** Starts on what a cut left, as the next start does, and compares with what was said before the cut. */
async function compare(folder: string, said: Said, where: string): Promise<void> {
  const found = await steps(folder);
  assert.deepEqual(found, Array.from({ length: found.length }, (_, index) => index + 1), where);
  assert.ok(found.length >= said.step, `${where}: step ${said.step} was said to be kept, ${found.length} is`);
  const state = await Deno.readTextFile(join(folder, "state.json")).catch(() => undefined);
  if (said.state === 0 && state === undefined) return;
  const kept: unknown = JSON.parse(state ?? "");
  assert.ok(
    typeof kept === "object" && kept !== null && "step" in kept && typeof kept.step === "number",
    where,
  );
  assert.ok(kept.step >= said.state, `${where}: state ${said.state} was said to be kept, ${kept.step} is`);
}

async function cutEverywhere(folder: string, events: readonly Event[], parent: string): Promise<number> {
  const disk = new Disk(folder);
  const said: Said = { step: 0, state: 0 };
  let cuts = 0;
  for (const [index, event] of events.entries()) {
    disk.apply(event);
    if (event.kind === "said") {
      const [what, number] = event.line.split(" ");
      if (what === "step" || what === "state") said[what] = Number(number);
    }
    for (let state = 0; state < STATES; state++) {
      const random = new Random(index * STATES + state);
      const after = await Deno.makeTempDir({ dir: parent });
      await disk.cut(after, () => state > 0 && random.chance(0.5));
      await compare(after, said, `cut after event ${index} (${event.kind}), state ${state}`);
      await Deno.remove(after, { recursive: true });
      cuts++;
    }
  }
  assert.deepEqual(said, { step: STEPS, state: STEPS }, "the process did all of its work");
  return cuts;
}

const canTrace = await canRun([["strace", "-V"]]);

/**
 * Restate records a step as done as soon as the step was answered, and syncs that record: a commit that the cut takes back
 * would never be made again, and the only copy of the master keys is in `state.json`.
 */
Deno.test({
  name: "nothing that was answered is missing after a power cut at any write",
  ignore: !canTrace,
  fn: async () => {
    const parent = await Deno.makeTempDir({ prefix: "unkey-power-" });
    try {
      const folder = join(parent, "data");
      await Deno.mkdir(folder);
      const deno = ["run", "-A", "--no-check", "--config", CONFIG, WRITER, folder, String(STEPS)];
      const all = await traced([Deno.execPath(), ...deno], join(parent, "trace"));
      const events = all.filter((event) => event.kind === "said" || event.path.startsWith(folder));
      const cuts = await cutEverywhere(folder, events, parent);
      assert.ok(cuts > STEPS * STATES * 2, `${cuts} cuts`);
    } finally {
      await Deno.remove(parent, { recursive: true });
    }
  },
});

Deno.test("parseTrace() puts calls that two threads make at once in the order of their ends", () => {
  const hex = (text: string) =>
    [...new TextEncoder().encode(text)].map((byte) => `\\x${byte.toString(16)}`).join("");
  const [file, folder] = [hex("/d/a"), hex("/d")];
  const events = parseTrace([
    `7 openat(AT_FDCWD<${folder}>, "${file}", O_RDWR|O_CREAT, 0600) = 5<${file}>`,
    `7 write(5<${file}>, "${hex("ab")}", 2 <unfinished ...>`,
    `8 fsync(6<${folder}>) = 0`,
    `7 <... write resumed>) = 2`,
    `7 write(5<${file}>, "${hex("c")}", 1) = 1`,
    `7 pwrite64(5<${file}>, "${hex("d")}", 1, 40) = 1`,
    `8 fsync(6<${folder}>) = -1 EIO (Input/output error)`,
    `8 write(1<${hex("pipe:[1]")}>, "${hex("step 1\n").replace("\\xa", "\\x0a")}", 7) = 7`,
  ].join("\n"));
  const bytes = (text: string) => new TextEncoder().encode(text);
  assert.deepEqual(events, [
    { kind: "sync", path: "/d" },
    { kind: "write", path: "/d/a", at: 0, bytes: bytes("ab") },
    { kind: "write", path: "/d/a", at: 2, bytes: bytes("c") },
    { kind: "write", path: "/d/a", at: 40, bytes: bytes("d") },
    { kind: "said", line: "step 1" },
  ]);
});
