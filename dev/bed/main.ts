// deno-lint-ignore-file no-console -- a script whose output is for a person
/** `dev/testbed`: starts, shows and stops what the tests of the whole platform need on one machine. */
import process from "node:process";
import { acme } from "./acme.ts";
import { end, isAlive } from "./daemon.ts";
import {
  bedFolder,
  findPart,
  PART_NAMES,
  type PartName,
  record,
  recorded,
  Starting,
  withBedLock,
} from "./folder.ts";
import { kubernetes } from "./kubernetes/part.ts";
import { mysql } from "./mysql.ts";
import type { Part } from "./part.ts";
import { registry } from "./registry.ts";
import { s3 } from "./s3.ts";

const PARTS: Readonly<Record<PartName, Part>> = { registry, mysql, s3, acme, kubernetes };

const USAGE = `Usage: dev/testbed <command> [part ...]

  start    starts all parts, or the named ones; what runs already is left alone
  status   shows what runs: address, processes, logs
  stop     stops all parts, or the named ones, and removes what they stored

Parts: ${PART_NAMES.join(", ")}
`;

/** Ends with an exit code: 0 done, 1 failed or (for \`status\`) not all running, 2 not understood. */
async function main([command, ...words]: readonly string[]): Promise<number> {
  if (command === undefined) return usage();
  const action = { start, status, stop }[command];
  if (action === undefined) return usage(`unknown command "${command}"`);
  const unknown = words.find((word) => !isPartName(word));
  if (unknown !== undefined) return usage(`unknown part "${unknown}"`);
  const named = words.filter(isPartName);
  return await action(named.length > 0 ? PART_NAMES.filter((name) => named.includes(name)) : PART_NAMES);
}

function usage(problem?: string): number {
  if (problem === undefined) {
    console.log(USAGE);
    return 0;
  }
  console.error(`error: ${problem}\n\n${USAGE}`);
  return 2;
}

/** Prints the names of the parts that it started, one a line, so that a script can stop just those. */
function start(names: readonly PartName[]): Promise<number> {
  return withBedLock(async () => {
    Deno.mkdirSync(bedFolder(), { recursive: true });
    for (const name of names) {
      const running = findPart(name);
      if (running !== undefined) {
        console.error(`ok ${name.padEnd(12)} ${running.address}  runs already`);
        continue;
      }
      await stopPart(name);
      const began = performance.now();
      try {
        await PARTS[name].start(new Starting(name));
      } catch (error) {
        await stopPart(name);
        const cause = error instanceof Error ? error.message : String(error);
        console.error(`error: ${name} cannot start: ${cause}`);
        console.error(`When this is mended: dev/testbed start ${name}`);
        return 1;
      }
      const seconds = ((performance.now() - began) / 1_000).toFixed(1);
      console.error(`ok ${name.padEnd(12)} ${findPart(name)?.address ?? ""}  ${seconds} s`);
      console.log(name);
    }
    return 0;
  });
}

function status(names: readonly PartName[]): Promise<number> {
  const parts = recorded();
  let missing = 0;
  for (const name of names) {
    const running = findPart(name);
    if (running === undefined) missing++;
    const state = running !== undefined
      ? `running  ${running.address}`
      : parts[name]
      ? "broken"
      : "not running";
    console.log(`${name.padEnd(12)} ${state}`);
    for (const daemon of parts[name]?.daemons ?? []) {
      const pid = isAlive(daemon) ? `pid ${daemon.pid}` : "ended";
      console.log(`  ${daemon.name.padEnd(24)} ${pid.padEnd(12)} ${daemon.logFile}`);
    }
  }
  if (missing < names.length) console.log(`\neverything that a client needs: ${bedFolder()}/bed.json`);
  return Promise.resolve(missing === 0 ? 0 : 1);
}

function stop(names: readonly PartName[]): Promise<number> {
  return withBedLock(async () => {
    for (const name of names.toReversed()) {
      if (await stopPart(name)) console.error(`ok ${name} stopped`);
    }
    if (Object.keys(recorded()).length === 0) {
      await Deno.remove(bedFolder(), { recursive: true }).catch(() => undefined);
    }
    return 0;
  });
}

/** Answers whether there was anything to stop. */
async function stopPart(name: PartName): Promise<boolean> {
  const part = recorded()[name];
  if (part === undefined) return false;
  const own = PARTS[name].stop;
  if (own !== undefined) await own(part);
  for (const daemon of part.daemons.toReversed()) await end(daemon);
  await Deno.remove(`${bedFolder()}/${name}`, { recursive: true });
  record(name, undefined);
  return true;
}

function isPartName(word: string): word is PartName {
  return PART_NAMES.some((name) => name === word);
}

process.exitCode = await main(process.argv.slice(2));
