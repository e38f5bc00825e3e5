import { describe, expect, test } from "bun:test";
import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Mapping, PROT_READ, PROT_WRITE, pageSize } from "../../ffi/libc.ts";
import { ClosedError, Life } from "../../ffi/life.ts";
import { discarded, Fake, size } from "./pages.ts";

describe("a record that is still being written", () => {
  test("holds up what is behind it until it is submitted", () => {
    const fake = new Fake();
    fake.reserve(1, 0);
    const second = fake.reserve(2);
    fake.reserve(3, 0);
    expect([fake.read(), fake.ring.isBusy]).toEqual([[1], true]);
    fake.submit(second);
    expect([fake.read(), fake.ring.isBusy]).toEqual([[2, 3], false]);
  });

  test("can be passed over, and its room is not given back then", () => {
    const fake = new Fake();
    fake.reserve(1, 0);
    const second = fake.reserve(2);
    fake.reserve(3, discarded);
    fake.reserve(4, 0);
    expect(fake.read()).toEqual([1]);
    fake.ring.pass();
    expect([fake.read(), fake.ring.isBusy]).toEqual([[4], false]);
    fake.ring.release(fake.ring.cursor);
    expect([fake.ring.cursor, fake.consumed]).toEqual([64, second]);
  });
});

test("where the kernel writes is never read half old, half new", () => {
  const fake = new Fake();
  const span = 0x1_0000_0000;
  const seen: number[] = [];
  let reserved = 0;
  // discarded records as long as they may be, past 4 GiB
  while (reserved < span + size) {
    reserved = fake.reserveLong();
    fake.onTorn = reserved < span - 2 * size ? null : () => seen.push(fake.ring.produced);
    expect(fake.ring.next()).toBe(false);
  }
  expect(fake.ring.cursor).toBe(reserved);
  expect(seen).toEqual([span - size, span, span + size]);
});

describe("after its end", () => {
  test("the ring says so", () => {
    const fake = new Fake();
    fake.reserve(1, 0);
    fake.ring[Symbol.dispose]();
    expect(fake.disposals).toBe(1);
    const { ring } = fake;
    for (const touch of [() => ring.next(), () => ring.release(0), () => ring.produced, () => ring.isBusy])
      expect(touch).toThrow(new ClosedError("the ring buffer"));
  });

  test("a mapping has nothing in it, and nothing crashes", () => {
    const folder = mkdtempSync(join(tmpdir(), "ipcdump-ring-"));
    const path = join(folder, "file");
    writeFileSync(path, new Uint8Array(2 * pageSize).fill(7));
    const mapping = new Mapping(openSync(path, "r+"), 2 * pageSize, PROT_READ | PROT_WRITE, 0, "a file");
    rmSync(folder, { recursive: true });
    const bytes = new Uint8Array(mapping.buffer);
    const positions = new BigUint64Array(mapping.buffer, 0, 1);
    expect([bytes.length, bytes[0]]).toEqual([2 * pageSize, 7]);
    mapping[Symbol.dispose]();
    mapping[Symbol.dispose]();
    expect([bytes.length, bytes[0]]).toEqual([0, undefined]);
    expect(() => Atomics.store(positions, 0, 1n)).toThrow(TypeError);
  });

  test("a life lends nothing and names itself", () => {
    const life = new Life("a lamp");
    life.check();
    expect([life.end(), life.end()]).toEqual([true, false]);
    expect(() => life.check()).toThrow("a lamp is closed already: this is a bug of ipcdump");
    expect(() => life.lend(new ArrayBuffer(1))).toThrow(ClosedError);
  });
});
