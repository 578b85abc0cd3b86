import assert from "node:assert/strict";
import { App, startProxy, Wire } from "./testing_wire.ts";
import { readStrictly, type ReferenceRequest } from "./testing_reference.ts";

const CASES = 400;
const AT_A_TIME = 40;
/** Short, since most mutants leave a request that never ends; what is cut off then is no request either. */
const LIMITS = { headMsMax: 80, bodyStallMsMax: 80, lingerMsMax: 40 };

/** A small generator: the same numbers in each run. */
class Random {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike.
    this.#state = Math.imul(seed, 2_654_435_761) >>> 0;
    for (let skipped = 0; skipped < 8; skipped++) this.below(1);
  }

  below(count: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(this.#state / 2 ** 32 * count);
  }

  of<T>(list: readonly T[]): T {
    const found = list[this.below(list.length)];
    assert.ok(found !== undefined);
    return found;
  }
}

const LINES = [
  "GET /a HTTP/1.1",
  "GET /a HTTP/1.1",
  "POST /b HTTP/1.1",
  "POST /b HTTP/1.1",
  "POST /b HTTP/1.1",
  "PUT /c?d HTTP/1.0",
  "GET http://a/e HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  "GET /f HTTP/1.1 ",
  "GET  /g HTTP/1.1",
  "GET /h",
  "POST /i HTTP/1.2",
] as const;

const FIELDS = [
  "Content-Length: 5",
  "Content-Length: 5",
  "Content-Length: 0",
  "Content-Length: 05",
  "Content-Length: +5",
  "Content-Length: 5, 5",
  "Content-Length: 5 5",
  "Content-Length: 0x5",
  "Content-Length: -0",
  "Content-Length:",
  "Content-Length : 5",
  "Content-Length\t:5",
  " Content-Length: 5",
  "content-length:\t5\t",
  "Content_Length: 5",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: chunked",
  "transfer-encoding: ChunKed",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: \x0bchunked",
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding: chunked;q=1",
  "Transfer-Encoding:\r\n chunked",
  "Transfer_Encoding: chunked",
  "X: a\r\n b",
  "X: a\nContent-Length: 5",
  "X: a\rContent-Length: 5",
  "X: a\0",
  "Host: b",
  "Connection: close",
  "Connection: keep-alive, content-length, transfer-encoding",
  "Expect: 100-continue",
  "Upgrade: h2c",
  ": empty",
  "no colon",
] as const;

const BODIES = [
  "",
  "",
  "hello",
  "hello",
  "5\r\nhello\r\n0\r\n\r\n",
  "5\r\nhello\r\n0\r\n\r\n",
  "5;x=y\r\nhello\r\n00\r\nX-Trailer: 1\r\n\r\n",
  "5\nhello\n0\n\n",
  "5 \r\nhello\r\n0\r\n\r\n",
  "0x5\r\nhello\r\n0\r\n\r\n",
  "5\r\nhello0\r\n\r\n",
  "6\r\nhello\r\n0\r\n\r\n",
  "fffffffffffffffff5\r\nhello\r\n0\r\n\r\n",
  "5\r\nhello\r\n0\r\nHost: b\r\n\r\n",
  "5\r\nhello\r\n0\r\n X: y\r\n\r\n",
  "\r\n",
] as const;

const BYTES = [
  "\r",
  "\n",
  "\r\n",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "\0",
  "\x0b",
  "0",
  "5",
  "\x80",
  "\r\n\r\n",
] as const;

/** A field and a body that belong together. */
const PAIRS = [
  ["X: y", ""],
  ["Content-Length: 5", "hello"],
  ["content-length:\t005", "hello"],
  ["Transfer-Encoding: chunked", "5;x=y\r\nhello\r\n0\r\n\r\n"],
  ["Transfer-Encoding: Chunked", "1\r\nh\r\n04\r\nello\r\n00\r\nX-Trailer: 1\r\n\r\n"],
] as const;

const GOOD_LINES = ["GET /a HTTP/1.1", "POST /b HTTP/1.1", "POST http://a/c HTTP/1.1"] as const;

/** Some requests: good ones, or with a line, a field, a body or a byte of the lists above. */
function generate(random: Random, tag: number): string {
  const isGood = (): boolean => random.below(4) > 0;
  let text = "";
  const requests = 1 + random.below(3);
  for (let index = 0; index < requests; index++) {
    const [field, body] = random.of(PAIRS);
    const fields = ["Host: a", `X-Tag: ${tag}.${index}`, isGood() ? field : random.of(FIELDS)];
    if (!isGood()) fields.splice(random.below(4), 0, random.of(FIELDS));
    const line = isGood() ? random.of(GOOD_LINES) : random.of(LINES);
    text += `${line}\r\n${fields.join("\r\n")}\r\n\r\n${isGood() ? body : random.of(BODIES)}`;
  }
  for (let count = Math.max(0, random.below(6) - 3); count > 0; count--) {
    const at = random.below(text.length);
    text = text.slice(0, at) + random.of(BYTES) + text.slice(at + random.below(2));
  }
  return `${text}GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
}

/** An app that answers every request that it reads, and keeps all bytes of each connection. */
function serve(app: App, taken: string[], signal: AbortSignal): Promise<void> {
  const each = async (wire: Wire): Promise<void> => {
    const index = taken.push("") - 1;
    for (let answered = 0;;) {
      const more = await wire.exactly(1).catch(() => undefined);
      if (more === undefined) return;
      taken[index] += more;
      const { length } = readStrictly(taken[index] ?? "").requests;
      for (; answered < length; answered++) {
        await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").catch(() => undefined);
      }
    }
  };
  const run = async (): Promise<void> => {
    const all: Promise<void>[] = [];
    while (!signal.aborted) {
      const wire = await app.accept().catch(() => undefined);
      if (wire === undefined) break;
      all.push(each(wire));
    }
    await Promise.all(all);
  };
  return run();
}

/** The request as an app must see it: an absolute target means its path. */
function asSeen(request: ReferenceRequest): ReferenceRequest {
  return { ...request, target: request.target.replace(/^http:\/\/a(?=\/)/, "") };
}

async function check(text: string, seed: number): Promise<number> {
  using app = new App();
  const taken: string[] = [];
  const stop = new AbortController();
  const served = serve(app, taken, stop.signal);
  await using proxy = await startProxy({ upstream: app.upstream, limits: LIMITS });
  {
    using client = await Wire.connect(proxy.port);
    await client.send(text);
    await client.toEnd();
  }
  await proxy.proxy.close(0);
  stop.abort();
  app[Symbol.dispose]();
  await served;
  const shown = `seed ${seed}: ${JSON.stringify(text)} became ${JSON.stringify(taken)}`;
  const meant = readStrictly(text).requests.map(asSeen);
  const got = taken.flatMap((each) => readStrictly(each).requests);
  // An upstream that closed in between gives several connections; their order is that of the requests.
  assert.deepEqual(got, meant.slice(0, got.length), shown);
  for (const each of taken) {
    const { rest } = readStrictly(each);
    // The beginning of a request that was cut off; never something else that an app could take for one.
    assert.ok(!/HTTP\/1\.[01]\r\n[^]*HTTP\/1\.[01]\r\n/.test(rest), shown);
  }
  return got.length;
}

Deno.test("what an app gets is what the standard says that the client sent, or nothing", async () => {
  let [next, through] = [0, 0];
  const work = async (): Promise<void> => {
    for (let seed = next++; seed < CASES; seed = next++) {
      const count = await check(generate(new Random(seed + 1), seed), seed + 1);
      through += count;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  assert.ok(through > CASES / 2, `${through} requests got through: the generator makes too few good ones`);
});
