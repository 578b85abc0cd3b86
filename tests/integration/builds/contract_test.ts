/** One contract for every builder: the same builds end in the same way, wherever BuildKit runs. */
import assert from "node:assert/strict";
import { cacheUsage, pruneCache } from "../../../pkg/build/mod.ts";
import { HUB_USER } from "../../../pkg/testkit/hub_registry.ts";
import type { ContractBed, ContractBuild } from "./contract_bed.ts";
import { type Kind, KINDS } from "./contract_kinds.ts";

type Run = (bed: ContractBed, kind: Kind) => Promise<void>;

/** A case that only some builders can show is no step of the others. */
type Case = Run | { readonly on: (kind: Kind) => boolean; readonly run: Run };

const unique = (): string => crypto.randomUUID();

async function failure(bed: ContractBed, build: ContractBuild): Promise<string> {
  const { outcome, lines } = await bed.build(build);
  assert.ok(outcome.kind === "failed", lines.join("\n"));
  return [outcome.message, ...outcome.lastLines].join("\n");
}

const CASES: Readonly<Record<string, Case>> = {
  "pulls a public base image from a registry that wants a token for every pull": async (bed) => {
    bed.hub.forgetRequests();
    const { image } = await bed.built({ dockerfile: `FROM ${bed.base}\nRUN echo ${unique()} >/made\n` });
    assert.match(await bed.run(image, "cat", "/made"), /^[0-9a-f-]{36}$/);
    assert.ok(bed.hub.requests.some(({ path }) => path.startsWith("/token")), "a token was asked for");
  },

  "pulls a private base image with credentials, and says how to give them without": async (bed) => {
    const dockerfile = `FROM ${bed.privateBase}\nRUN echo ${unique()}\n`;
    assert.match(await failure(bed, { dockerfile }), /could not be pulled.*unkey registries add/s);
    const credentials = (host: string) => Promise.resolve(host === bed.hub.name ? HUB_USER : undefined);
    await bed.built({ dockerfile, credentials });
  },

  "gives secrets to the steps that name them, and to nothing else": async (bed) => {
    const mount = "RUN --mount=type=secret,id=npm,target=/s,required=true";
    const { image, lines } = await bed.built({
      dockerfile: `FROM ${bed.base}\n${mount} wc -c </s >/size\nRUN echo ${unique()} && test ! -s /s\n`,
      secrets: { npm: "s3cret-value" },
    });
    assert.equal(await bed.run(image, "cat", "/size"), "12");
    assert.doesNotMatch(lines.join("\n"), /s3cret-value/);
  },

  "goes on without an optional secret, and names a required one that is missing": async (bed) => {
    await bed.built({ dockerfile: `FROM ${bed.base}\nRUN --mount=type=secret,id=none echo ${unique()}\n` });
    const dockerfile =
      `FROM ${bed.base}\nRUN --mount=type=secret,id=npm_token,required=true echo ${unique()}\n`;
    assert.match(await failure(bed, { dockerfile }), /npm_token.*--secret id=npm_token/s);
  },

  "goes on without an optional ssh mount, and says that a required one is not there": async (bed) => {
    await bed.built({ dockerfile: `FROM ${bed.base}\nRUN --mount=type=ssh echo ${unique()}\n` });
    const dockerfile = `FROM ${bed.base}\nRUN --mount=type=ssh,required=true echo ${unique()}\n`;
    assert.match(await failure(bed, { dockerfile }), /ssh/i);
  },

  "keeps the times and the modes of files": async (bed) => {
    const files = {
      "a.txt": { text: "a", modifiedAtNs: 1_600_000_000_123_456_789n, mode: 0o640 },
      "run.sh": { text: "#!/bin/sh\n", modifiedAtNs: 1_500_000_000_000_000_000n, mode: 0o4755 },
    };
    const stat = "ls -l --full-time /c";
    const { lines } = await bed.built({
      dockerfile: `FROM ${bed.base}\nCOPY . /c\nRUN ${stat}; echo ${unique()}\n`,
      files,
    });
    const text = lines.join("\n");
    assert.match(text, /-rw-r-----.* 2020-09-13 12:26:40 .*a\.txt/);
    assert.match(text, /-rwsr-xr-x.* 2017-07-14 02:40:00 .*run\.sh/);
  },

  "sends only the files that changed since the build before": async (bed) => {
    const dockerfile = `FROM ${bed.base}\nCOPY . /c\n`;
    const stamp = BigInt(Date.now()) * 1_000_000n + 1n;
    const file = (text: string, later = 0n) => ({ text, modifiedAtNs: stamp + later });
    const files = Object.fromEntries(
      Array.from({ length: 30 }, (_, at) => [`f${at}`, file(unique())] as const),
    );
    const contextKey = unique();
    assert.equal((await bed.built({ dockerfile, files, contextKey })).filesSent, 30);
    assert.equal((await bed.built({ dockerfile, files, contextKey })).filesSent, 0);
    const edited = { ...files, f7: file("edited", 5n) };
    const again = await bed.built({ dockerfile, files: edited, contextKey });
    assert.equal(again.filesSent, 1);
    assert.equal(await bed.run(again.image, "cat", "/c/f7"), "edited");
  },

  /** Old clients date every file 1980: size and time of an edited file are the same then. */
  "never takes a changed file for the old one, even when its size and its time are the same": async (bed) => {
    const dockerfile = `FROM ${bed.base}\nCOPY . /c\n`;
    const contextKey = unique();
    for (const text of ["version 1", "version 2"]) {
      const files = { "index.html": { text, modifiedAtNs: 315_532_800_000_000_000n } };
      const { image } = await bed.built({ dockerfile, files, contextKey });
      assert.equal(await bed.run(image, "cat", "/c/index.html"), text);
    }
  },

  "compiles what was edited, with a cache mount and file times": async (bed) => {
    const id = unique();
    // As make does: the output is made again only when the source is newer.
    const make = "if [ ! -e /out/made ] || [ /src/in -nt /out/made ]; then sleep 1; cp /src/in /out/made; fi";
    const dockerfile = `FROM ${bed.base}\nCOPY in /src/in\n` +
      `RUN --mount=type=cache,id=${id},target=/out ${make}; cp /out/made /made\n`;
    for (const [seconds, text] of [[0n, "one"], [3n, "two"]] as const) {
      // The shell compares whole seconds.
      const modifiedAtNs = (BigInt(Date.now()) + seconds * 1_000n) * 1_000_000n + 1n;
      const { image } = await bed.built({
        dockerfile,
        files: { in: { text: `${text} ${id}`, modifiedAtNs } },
      });
      assert.equal(await bed.run(image, "cat", "/made"), `${text} ${id}`);
    }
  },

  "has no Dockerfile in the context": async (bed) => {
    const { image } = await bed.built({
      dockerfile: `FROM ${bed.base}\nCOPY . /c\n# ${unique()}\n`,
      files: { "a.txt": "a" },
    });
    assert.equal(await bed.run(image, "ls", "-A", "/c"), "a.txt");
  },

  "takes a copy from the cache when only a comment of the Dockerfile changed": async (bed) => {
    const files = { "a.txt": { text: unique(), modifiedAtNs: 1_600_000_000_123_456_789n } };
    const dockerfile = `FROM ${bed.base}\nCOPY . /c\n`;
    await bed.built({ dockerfile, files });
    const { cached } = await bed.built({ dockerfile: `${dockerfile}# a comment\n`, files });
    assert.ok(cached.some((name) => name.includes("COPY . /c")), cached.join("\n"));
  },

  "passes arguments, also into FROM, and builds the stage that was asked for": async (bed) => {
    const dockerfile = `ARG BASE\nFROM $BASE AS one\nARG WHO=nobody\nRUN echo $WHO >/who\n` +
      `FROM one AS two\nRUN echo two >>/who\n`;
    const args = { BASE: bed.base, WHO: unique() };
    const { image } = await bed.built({ dockerfile, arguments: args, target: "one" });
    assert.equal(await bed.run(image, "cat", "/who"), args.WHO);
    assert.match(await failure(bed, { dockerfile, arguments: args, target: "three" }), /three/);
  },

  "runs everything again without the cache, and asks for newer base images": async (bed) => {
    const dockerfile = `FROM ${bed.base}\nRUN echo made-${unique()}\n`;
    await bed.built({ dockerfile });
    const again = await bed.built({ dockerfile });
    assert.ok(again.cached.some((name) => name.includes("RUN echo made-")), again.cached.join("\n"));
    const anew = await bed.built({ dockerfile, noCache: true });
    assert.ok(anew.lines.some((line) => /: made-/.test(line)), anew.lines.join("\n"));
    bed.hub.forgetRequests();
    await bed.built({ dockerfile, pull: true });
    assert.ok(bed.hub.requests.some(({ path }) => path.includes("/manifests/")), "the registry was asked");
  },

  "keeps the caches of RUN apart by their namespace": async (bed) => {
    const mount = `RUN --mount=type=cache,id=${unique()},target=/cache`;
    const fill = `FROM ${bed.base}\n${mount} echo mine >/cache/file\n`;
    const look = () => `FROM ${bed.base}\n${mount} echo "found: $(ls /cache)." ${unique()}\n`;
    await bed.built({ dockerfile: fill, cacheNamespace: "ws_a" });
    const foreign = await bed.built({ dockerfile: look(), cacheNamespace: "ws_b" });
    assert.match(foreign.lines.join("\n"), /: found: \. /);
    const own = await bed.built({ dockerfile: look(), cacheNamespace: "ws_a" });
    assert.match(own.lines.join("\n"), /: found: file\. /);
  },

  "explains a failing step with its exit code and its last lines": async (bed) => {
    const text = await failure(bed, { dockerfile: `FROM ${bed.base}\nRUN echo so-sad && exit 7\n` });
    assert.match(text, /RUN echo so-sad && exit 7" failed with exit code 7[\s\S]*so-sad/);
  },

  "shows the error of a step that prints too much": async (bed) => {
    const loop = "i=0; while [ $i -lt 25000 ]; do echo compiling $i; i=$((i+1)); done";
    const { outcome, lines } = await bed.build({
      dockerfile: `FROM ${bed.base}\nRUN ${loop}; echo "main.c:12: error"; echo note; exit 2\n`,
    });
    assert.ok(outcome.kind === "failed" && outcome.lastLines.includes("main.c:12: error"));
    assert.ok(lines.some((line) => line.endsWith(": main.c:12: error")), "the log has the error");
    assert.ok(lines.some((line) => line.endsWith(": compiling 1")), "the log has the beginning");
    assert.ok(
      lines.some((line) => /lines are missing here/.test(line)),
      "the log says that lines are missing",
    );
  },

  "is not slowed by a step that prints carriage returns": async (bed) => {
    const flood =
      "A=$(head -c 30000 /dev/zero | tr '\\0' '\\r'); for i in 1 2 3 4 5 6 7 8 9; do printf '%sx' \"$A\"; done";
    const startedMs = performance.now();
    let longestMs = 0;
    const timer = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - lastMs);
      lastMs = performance.now();
    }, 20);
    let lastMs = startedMs;
    try {
      await bed.built({ dockerfile: `FROM ${bed.base}\nRUN ${flood}; echo ${unique()}\n` });
    } finally {
      clearInterval(timer);
    }
    // It stood still for 24 s before; a busy machine may cost a second or two.
    assert.ok(longestMs < 10_000, `the process stood still for ${Math.round(longestMs)} ms`);
  },

  "says which file is missing, and which instruction is unknown": async (bed) => {
    assert.match(await failure(bed, { dockerfile: `FROM ${bed.base}\nCOPY no.txt /\n` }), /"?no\.txt/);
    assert.match(await failure(bed, { dockerfile: `FROM ${bed.base}\nRUUN x\n` }), /RUUN/);
    assert.match(await failure(bed, { dockerfile: "" }), /Dockerfile/);
  },

  "understands heredocs and COPY --link, or says which line makes it": async (bed, { newLanguage }) => {
    const dockerfile = `FROM ${bed.base}\nRUN <<E\necho one >/made\nE\nCOPY --link a.txt /\n`;
    const build = { dockerfile, files: { "a.txt": "a" } };
    if (!newLanguage) return assert.match(await failure(bed, build), /# syntax=docker\/dockerfile:1/);
    const { image } = await bed.built(build);
    assert.equal(await bed.run(image, "cat", "/made"), "one");
  },

  "builds with the frontend that the first line names": async (bed) => {
    const dockerfile = `# syntax=${bed.frontend}\nFROM ${bed.base}\nRUN <<E\necho ${unique()} >/made\nE\n` +
      "COPY --link a.txt /\n";
    const { image } = await bed.built({ dockerfile, files: { "a.txt": "a" } });
    assert.match(await bed.run(image, "cat", "/made"), /^[0-9a-f-]{36}$/);
  },

  "refuses a frontend that is not allowed, before anything is pulled": async (bed) => {
    bed.hub.forgetRequests();
    const text = await failure(bed, { dockerfile: `# syntax=${bed.base}\nFROM ${bed.base}\n` });
    assert.match(text, /asks for the frontend 127\.0\.0\.1.*only these may be used/);
    assert.deepEqual(bed.hub.requests, []);
  },

  "denies sources at private addresses": {
    on: ({ policy }) => policy,
    run: async (bed) => {
      for (const source of ["http://127.0.0.1:9/x", "http://169.254.169.254/latest/", "https://10.0.0.1/x"]) {
        assert.match(await failure(bed, { dockerfile: `FROM scratch\nADD ${source} /\n` }), /does not allow/);
      }
      assert.match(await failure(bed, { dockerfile: "FROM 127.0.0.1:9/a/b:1\nRUN x\n" }), /does not allow/);
    },
  },

  "removes the least recently used entries of the cache beyond its limit": {
    on: ({ prunable }) => prunable,
    run: async (bed) => {
      const { endpoint } = bed;
      assert.ok(endpoint !== undefined);
      const blob = () =>
        Array.from(crypto.getRandomValues(new Uint8Array(65_536)), String).join("").repeat(80);
      const build = async (text: string) =>
        await bed.built({ dockerfile: `FROM scratch\nCOPY . /\n`, files: { blob: text } });
      const [first, last] = [blob(), blob()];
      await build(first);
      await build(blob());
      await build(last);
      const before = await cacheUsage(endpoint, AbortSignal.timeout(60_000));
      // Layers of images in an engine count as the images'.
      assert.ok(before.bytes > 0.9 * last.length, JSON.stringify(before));
      const limits = { unusedMsMax: 3_600_000, bytesFreeMin: 0, bytesMax: Math.round(before.bytes / 2) };
      const pruned = await pruneCache(endpoint, limits, AbortSignal.timeout(60_000));
      const after = await cacheUsage(endpoint, AbortSignal.timeout(60_000));
      assert.ok(
        pruned.entries > 0 && after.bytes <= limits.bytesMax,
        JSON.stringify({ pruned, before, after }),
      );
      await build(last);
      const none = { ...limits, unusedMsMax: 0, bytesMax: 1 };
      await pruneCache(endpoint, none, AbortSignal.timeout(60_000));
      await build(last);
    },
  },

  "ends when it is stopped, and builds again": async (bed) => {
    const stop = new AbortController();
    const building = bed.build({
      dockerfile: `FROM ${bed.base}\nRUN echo begun ${unique()}; sleep 300\n`,
      signal: stop.signal,
    });
    building.catch(() => undefined);
    setTimeout(() => stop.abort(new Error("stopped by the test")), 1_500);
    await assert.rejects(building, /stopped by the test/);
    await bed.built({ dockerfile: `FROM ${bed.base}\nRUN echo ${unique()}\n` });
  },
};

for (const kind of KINDS) {
  Deno.test({
    name: `builds on ${kind.name}`,
    ignore: !kind.possible,
    fn: async (t) => {
      await using bed = await kind.start();
      for (const [name, each] of Object.entries(CASES)) {
        const { on, run } = typeof each === "function" ? { on: () => true, run: each } : each;
        if (on(kind)) await t.step(name, () => run(bed, kind));
      }
    },
  });
}
