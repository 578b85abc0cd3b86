import assert from "node:assert/strict";
import { AddressBook, REST_MS } from "./address_book.ts";
import { parseIp, type Subnet } from "./ipv4.ts";

const SUBNET = "10.128.0.0/18";

function addresses(first: string, count: number): Subnet {
  const number = parseIp(first) ?? assert.fail(first);
  return { first: number, last: number + count - 1 };
}

function newBook(): AddressBook {
  const book = AddressBook.parse(undefined);
  book.open(SUBNET, true, 0);
  return book;
}

Deno.test("an address that was given back rests, and others are given out in turn", () => {
  const book = newBook();
  const usable = addresses("10.128.1.0", 3);
  assert.equal(book.take("a", usable, 0), "10.128.1.0");
  book.release("10.128.1.0", 10);
  assert.equal(book.take("b", usable, 20), "10.128.1.1");
  assert.equal(book.take("c", usable, 20), "10.128.1.2");
  assert.equal(book.take("d", usable, 20), undefined, "all others rest or are held");
  assert.equal(book.take("d", usable, 9 + REST_MS), undefined);
  assert.equal(book.take("d", usable, 10 + REST_MS), "10.128.1.0");
});

Deno.test("a network that is there already, and that the book does not know, rests as a whole", () => {
  const book = AddressBook.parse("not JSON");
  book.recover(new Map([["10.128.1.0", "a"]]), 0);
  book.open(SUBNET, false, 100);
  const usable = addresses("10.128.1.0", 2);
  assert.equal(book.take("b", usable, 99 + REST_MS), undefined);
  assert.equal(
    book.take("b", usable, 100 + REST_MS),
    "10.128.1.1",
    "and what a container has is not given out",
  );
});

Deno.test("a clock that is set back by a day lets a network of before rest for an hour, and not for a day", () => {
  const [dayMs, usable] = [86_400_000, addresses("10.128.1.0", 2)];
  const book = AddressBook.parse("not JSON");
  book.open(SUBNET, false, dayMs);
  assert.equal(book.take("a", usable, 5), undefined);
  assert.equal(AddressBook.parse(book.text()).take("a", usable, 4 + REST_MS), undefined);
  assert.equal(book.take("a", usable, 5 + REST_MS), "10.128.1.0");
});

Deno.test("addresses whose containers went while the agent was away rest from its start on", () => {
  const before = newBook();
  const usable = addresses("10.128.1.0", 2);
  before.take("a", usable, 0);
  before.take("b", usable, 0);
  const after = AddressBook.parse(before.text());
  after.open(SUBNET, false, 50);
  after.recover(new Map([["10.128.1.0", "a"]]), 50);
  assert.equal(after.take("c", usable, 49 + REST_MS), undefined);
  assert.equal(after.take("c", usable, 50 + REST_MS), "10.128.1.1");
});

/** A small generator: the same numbers in each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

Deno.test("whatever happens, no address is given out within its rest, or twice at a time", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const pick = numbers(seed);
    const usable = addresses("10.128.1.0", 5);
    let book = newBook();
    let nowMs = 0;
    const present = new Map<string, string>();
    const leftMs = new Map<string, number>();
    const leave = (address: string): void => {
      present.delete(address);
      leftMs.set(address, nowMs);
    };
    for (let step = 0; step < 400; step++) {
      nowMs += pick(REST_MS / 4);
      const [oldest] = present.keys();
      const action = pick(5);
      if (action <= 1) {
        const address = book.take(`c${step}`, usable, nowMs);
        if (address === undefined) continue;
        assert.ok(!present.has(address), `seed ${seed}: ${address} is in use`);
        assert.ok(
          nowMs - (leftMs.get(address) ?? -Infinity) >= REST_MS,
          `seed ${seed}: ${address} must rest`,
        );
        present.set(address, `c${step}`);
      } else if (action === 2 && oldest !== undefined) {
        leave(oldest);
        book.release(oldest, nowMs);
      } else if (action === 3) {
        // The process dies; perhaps a container goes before it is back, or the file is lost.
        const text = pick(10) === 0 ? undefined : book.text();
        if (oldest !== undefined && pick(2) === 0) leave(oldest);
        nowMs += pick(1_000);
        book = AddressBook.parse(text);
        book.recover(present, nowMs);
        book.open(SUBNET, false, nowMs);
      }
    }
  }
});
