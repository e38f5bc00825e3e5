import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { damage } from "../../ffi/elf.ts";

/** A machine may have a lot else to do. */
setDefaultTimeout(30_000);

const library = readFileSync(new URL("../../dist/libbpf.so", import.meta.url));

test("a library has all its parts", () => {
  expect(damage(library)).toBeNull();
});

test("what is cut is said to be, wherever that is", () => {
  for (let length = 0; length < 64; length++)
    expect(damage(library.subarray(0, length))).toBe("it is no ELF file");
  for (let length = 64; length < library.length * 0.95; length += 997)
    expect([length, damage(library.subarray(0, length))]).toEqual([length, "it is cut short"]);
});

test("what is no library of this processor's", () => {
  expect(
    damage(new TextEncoder().encode("no library at all, but a text that is longer than any ELF header is")),
  ).toBe("it is no ELF file");
  for (const at of [4, 5]) {
    const other = Uint8Array.from(library);
    other[at] = 3 - other[at]!;
    expect(damage(other)).toBe("it is not for this processor");
  }
});

test("whatever its header says, nothing is read that is not there", () => {
  let state = 20_261_122;
  const random = () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9) >>> 0;
    return state;
  };
  const header = library.subarray(0, 1024);
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from(header);
    for (let i = random() % 8; i >= 0; i--) bytes[16 + (random() % 500)] = random();
    damage(bytes);
  }
});
