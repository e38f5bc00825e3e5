import { expect, test } from "bun:test";
import type { BpfMap } from "../../ffi/map.ts";
import { PassedRecord } from "../../src/layout.ts";
import { Names } from "../../src/name/names.ts";
import { Owners } from "../../src/name/owners.ts";
import { Passed } from "../../src/name/passed.ts";
import { Paths } from "../../src/name/paths.ts";

const pipeMode = 0o010600;
const pipeMagic = 0x5049_5045;
const thread = 100;

/** Records of pipes that are passed, by the addresses of their files; each is the number of a file, too. */
class Passings {
  readonly #words = new Uint32Array(PassedRecord.size / 4);
  readonly #passed = new Passed(
    this.#words,
    new Uint8Array(this.#words.buffer),
    new Paths(1 << 16),
    new Owners(new Names({ delete: () => {} } as unknown as BpfMap), null),
  );
  #time = 0;

  #add(inode: number, isReceived: boolean, files: readonly [file: number, fd: number][]): number {
    const { offset, size } = PassedRecord.files;
    const time = ++this.#time;
    this.#words.set([0, thread, time, 0, inode, 0, isReceived ? 1 : 0, files.length]);
    for (const [i, [file, fd]] of files.entries())
      this.#words.set([file, 0, file, 0, 1, pipeMode, pipeMagic, fd], (offset + i * size) / 4);
    expect(this.#passed.add(0, offset + files.length * size, 0)).toBe(true);
    return time;
  }

  /** The time of what was sent to the socket of an inode. */
  sent(inode: number, ...files: [file: number, fd: number][]): number {
    return this.#add(inode, false, files);
  }

  received(inode: number, ...files: [file: number, fd: number][]): void {
    this.#add(inode, true, files);
  }

  /** The numbers at the receiver of what was sent then; null: nobody has received it. */
  given(time: number): number[] | null {
    const passing = this.#passed.of(thread, time, 0)!;
    return passing.isReceived ? passing.files.map(({ given }) => given) : null;
  }
}

test("the same file on its way to two sockets has the number that each receiver got", () => {
  const passings = new Passings();
  const first = passings.sent(7, [1, 3]);
  const second = passings.sent(8, [1, 3]);
  passings.received(8, [1, 50]);
  expect([passings.given(first), passings.given(second)]).toEqual([null, [50]]);
  passings.received(7, [1, 60]);
  expect([passings.given(first), passings.given(second)]).toEqual([[60], [50]]);
});

test("what one socket is sent twice is received in that order", () => {
  const passings = new Passings();
  const times = [passings.sent(7, [1, 3]), passings.sent(7, [1, 3])];
  passings.received(7, [1, 50]);
  passings.received(7, [1, 51]);
  expect(times.map((time) => passings.given(time))).toEqual([[50], [51]]);
});

test("a receive that was told first is that of the send which comes", () => {
  const passings = new Passings();
  passings.received(7, [1, 50], [2, 51]);
  expect(passings.given(passings.sent(8, [1, 3], [2, 4]))).toBe(null);
  expect(passings.given(passings.sent(7, [1, 3], [2, 4]))).toEqual([50, 51]);
});

test("where the receiver's socket was not made yet, any that got these files will do, and the first of them", () => {
  const passings = new Passings();
  const time = passings.sent(0, [1, 3], [12, 4]);
  passings.received(7, [1, 50], [1, 51]);
  expect(passings.given(time)).toBe(null);
  passings.received(7, [1, 50]);
  expect(passings.given(time)).toEqual([50, -1]);
});
