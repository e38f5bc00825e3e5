import { expect, test } from "bun:test";
import type { BpfMap } from "../../ffi/map.ts";
import type { End } from "../../src/event.ts";
import { NameRecord } from "../../src/layout.ts";
import { Names } from "../../src/name/names.ts";
import { Tape, type Who } from "./tape.ts";

const generation = 32768;

/** Names with a kernel side that only remembers what it was made to forget. */
class Fixture {
  readonly forgotten: Who[] = [];
  /** pids */
  readonly alive = new Set<number>();
  readonly names: Names;
  readonly #tape = new Tape(128);
  readonly #record = new NameRecord(this.#tape.words);

  constructor() {
    const announced = { delete: ([tgid = 0, tag = 0]: Uint32Array) => this.forgotten.push({ tgid, tag }) };
    this.names = new Names(announced as unknown as BpfMap, false, (pid) => this.alive.has(pid));
    this.#tape.name({ tgid: 0, tag: 0 }, "");
    this.#tape.next();
    this.#record.at = this.#tape.at;
  }

  add({ tgid, tag }: Who, comm: string): void {
    const { words, bytes } = this.#tape;
    words[this.#record.at + 1] = tgid;
    words[this.#record.at + 2] = tgid;
    words[this.#record.at + 3] = tag;
    const start = this.#record.at * 4 + NameRecord.comm.offset;
    bytes.fill(0, start, start + NameRecord.comm.length);
    bytes.set(new TextEncoder().encode(comm), start);
    this.names.add(this.#record, bytes);
  }

  /** So many that nobody asks for, each its own. */
  addOthers(count: number, from: number): void {
    for (let i = 0; i < count; i++) this.add({ tgid: from + i, tag: 1 }, "other");
  }

  find({ tgid, tag }: Who): string | null {
    const name = this.names.find(tgid, tag);
    return name && new TextDecoder().decode(name.comm);
  }
}

test("a name is found by tgid and tag, exactly", () => {
  const fixture = new Fixture();
  const most = { tgid: 2 ** 22 - 1, tag: 2 ** 30 - 1 };
  fixture.add({ tgid: 1, tag: 2 }, "one");
  fixture.add({ tgid: 1, tag: 3 }, "renamed");
  fixture.add(most, "most");
  expect(fixture.find({ tgid: 1, tag: 2 })).toBe("one");
  expect(fixture.find({ tgid: 1, tag: 3 })).toBe("renamed");
  expect(fixture.find(most)).toBe("most");
  expect(fixture.find({ tgid: 2 ** 22 - 1, tag: 2 ** 30 - 2 })).toBeNull();
  expect(fixture.find({ tgid: 2, tag: 2 })).toBeNull();
});

test("16 bytes at most, none past the NUL, also none at all", () => {
  const fixture = new Fixture();
  for (const [tag, comm] of ["", "a", "fifteen letters", "sixteen letters!"].entries()) {
    fixture.add({ tgid: 1, tag }, comm);
    expect(fixture.find({ tgid: 1, tag })).toBe(comm);
  }
});

test("what nobody asks for is forgotten, here after the kernel", () => {
  const fixture = new Fixture();
  const who = { tgid: 5, tag: 6 };
  fixture.add(who, "quiet");
  fixture.addOthers(generation - 1, 1000); // the first generation is full
  expect(fixture.forgotten).toEqual([]);
  fixture.addOthers(generation, 100_000); // the second: the kernel forgets the first
  expect(fixture.forgotten).toContainEqual(who);
  expect(fixture.forgotten).toHaveLength(generation);
  // what is in the ring by now was not announced again, and still has its name
  expect(fixture.find(who)).toBe("quiet");
  fixture.addOthers(generation, 200_000);
  expect(fixture.find(who)).toBeNull();
});

test("what is asked for stays", () => {
  const fixture = new Fixture();
  const who = { tgid: 5, tag: 6 };
  fixture.add(who, "busy");
  for (let round = 0; round < 5; round++) {
    fixture.addOthers(generation, 100_000 * (round + 1));
    expect(fixture.find(who)).toBe("busy");
  }
  expect(fixture.forgotten).not.toContainEqual(who);
});

test("who lives is not forgotten, under the last name", () => {
  const fixture = new Fixture();
  const [who, before] = [
    { tgid: 5, tag: 6 },
    { tgid: 5, tag: 7 },
  ];
  fixture.alive.add(5);
  fixture.add(before, "before");
  fixture.add(who, "quiet");
  for (let round = 1; round < 6; round++) fixture.addOthers(generation, 100_000 * round);
  expect(fixture.find(who)).toBe("quiet");
  expect(fixture.find(before)).toBeNull();
  fixture.alive.delete(5);
  fixture.addOthers(generation, 1_000_000);
  expect(fixture.find(who)).toBeNull();
});

test("forgotten and announced again, it is new", () => {
  const fixture = new Fixture();
  const who = { tgid: 5, tag: 6 };
  fixture.add(who, "again");
  fixture.addOthers(2 * generation - 1, 1000);
  expect(fixture.forgotten).toContainEqual(who);
  fixture.add(who, "again");
  fixture.addOthers(generation, 200_000);
  expect(fixture.find(who)).toBe("again");
});

test("a process is known by its number in our pid namespace", () => {
  for (const isNested of [false, true]) {
    const tape = new Tape(128);
    const names = new Names({ delete: () => {} } as unknown as BpfMap, isNested);
    const record = new NameRecord(tape.words);
    for (const pid of [7, 0]) {
      tape.name({ tgid: 1000 + pid, tag: 1 }, "one", pid);
      tape.next();
      record.at = tape.at;
      names.add(record, tape.bytes);
    }
    const end: End = { pid: 0, comm: null, guess: true };
    const filled = (tgid: number): unknown[] => {
      end.guess = true;
      names.fill(end, tgid, 1);
      return [end.pid, end.comm && new TextDecoder().decode(end.comm), end.guess];
    };
    expect(filled(1007)).toEqual([7, "one", false]);
    expect(filled(1000)).toEqual([-1, "one", false]); // outside
    expect(filled(5)).toEqual([isNested ? -1 : 5, null, false]); // never announced
    expect(filled(0)).toEqual([-1, null, false]); // nobody
  }
});
