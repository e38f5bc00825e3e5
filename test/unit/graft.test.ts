import { describe, expect, test } from "bun:test";
import { graft, precede, sharedAt } from "../../ffi/bundle/graft.ts";
import {
  Elf,
  ET_EXEC,
  type ProgramHeader,
  PT_GNU_STACK,
  PT_INTERP,
  PT_LOAD,
  PT_NOTE,
  PT_PHDR,
} from "../../ffi/elf.ts";

const ET_DYN = 3;
const base = 0x10000;
const bunBase = 0x200000;
const headersAt = 64;

function header(
  type: number,
  offset: number,
  address: number,
  fileSize: number,
  memorySize = fileSize,
): ProgramHeader {
  return { type, flags: 5, offset, address, fileSize, memorySize, align: 4096 };
}

/** An ELF file of `length` bytes. */
function elf(type: number, entry: number, headers: readonly ProgramHeader[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  new DataView(bytes.buffer).setUint16(16, type, true);
  const file = new Elf(bytes);
  file.placeProgramHeaders(headersAt, headers);
  file.entry = entry;
  return bytes;
}

/** What the runtime looks like: one segment with 5 bytes of zeroes behind it, and the section that graft fills in. */
function runtime(size = 0x2000): Uint8Array {
  const bytes = elf(ET_DYN, 0x123, [header(PT_LOAD, 0, 0, size, size + 5)], size + 0x1000);
  const view = new DataView(bytes.buffer);
  const [sections, names] = [size, size + 0x200];
  view.setBigUint64(0x28, BigInt(sections), true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, 2, true);
  bytes.set(new TextEncoder().encode("\0.ipcdump.program\0.names\0"), names);
  for (const [i, [name, offset, length]] of [
    [1, 0x1000, 24],
    [18, names, 26],
  ].entries()) {
    view.setUint32(sections + i * 64, name!, true);
    view.setBigUint64(sections + i * 64 + 0x18, BigInt(offset!), true);
    view.setBigUint64(sections + i * 64 + 0x20, BigInt(length!), true);
  }
  view.setUint16(0x3e, 1, true);
  return bytes;
}

const bunHeaders = [
  header(PT_INTERP, 0x200, bunBase + 0x200, 16),
  header(PT_LOAD, 0, bunBase, 0x1100),
  header(PT_GNU_STACK, 0, 0, 0, 0x1000),
];
const bun = elf(ET_EXEC, bunBase + 0x400, bunHeaders, 0x1100);

describe("precede", () => {
  const at = 0x10000000;
  /** as begin.c is linked */
  function begin(address = at): Uint8Array {
    const bytes = runtime();
    const file = new Elf(bytes);
    file.placeProgramHeaders(headersAt, [
      header(PT_LOAD, 0, address, 0x800),
      header(PT_LOAD, 0x1000, address + 0x11000, 0x20),
    ]);
    file.entry = address + 0x80;
    return bytes;
  }
  const headers = [
    header(PT_PHDR, 64, bunBase + 64, 280),
    ...bunHeaders,
    header(PT_NOTE, 0x300, bunBase + 0x300, 0x44),
  ];
  const whole = elf(ET_EXEC, bunBase + 0x400, headers, 0x1100);

  test("the kernel begins there, and Bun's headers are where the loader looks", () => {
    const bytes = precede(whole, begin());
    const made = new Elf(bytes);
    expect(made.entry).toBe(at + 0x80);
    expect(made.headersOffset).toBe(headersAt);
    expect(made.programHeaders).toEqual([
      ...bunHeaders,
      header(PT_LOAD, 0x10000, at, 0x800),
      header(PT_LOAD, 0x11000, at + 0x11000, 0x20),
    ]);
    const told = new BigUint64Array(bytes.slice(0x11000, 0x11008).buffer);
    expect([...told]).toEqual([BigInt(bunBase + 0x400)]);
  });

  test("refuses a Bun that has no room for it, or is there already", () => {
    expect(() => precede(bun, begin())).toThrow(/no program headers to spare/);
    expect(() => precede(whole, begin(bunBase))).toThrow(/behind where begin.c is/);
    expect(() => sharedAt(whole, 0)).toThrow(/nothing to share/);
  });
});

describe("graft", () => {
  test("the kernel finds both, and no interpreter", () => {
    const made = new Elf(graft(bun, runtime()));
    expect(made.programHeaders).toEqual([
      { ...header(PT_LOAD, 0x2000, base, 0x2005), fileSize: 0x2005 },
      bunHeaders[1]!,
      bunHeaders[2]!,
    ]);
    expect(made.entry).toBe(base + 0x123);
  });

  test("Bun is there as it was, and its program headers", () => {
    const made = graft(bun, runtime());
    const [start, end] = [headersAt, bun.length];
    expect(made.subarray(start, end)).toEqual(bun.subarray(start, end));
  });

  test("the runtime is told where Bun is", () => {
    const made = graft(bun, runtime());
    const words = new BigUint64Array(made.slice(0x2000 + 0x1000, 0x2000 + 0x1000 + 24).buffer);
    expect([...words]).toEqual([BigInt(bunBase + 0x400), BigInt(bunBase + headersAt), 3n]);
  });

  const refused: [what: string, bun: Uint8Array, runtime: Uint8Array, message: RegExp][] = [
    ["a Bun without a fixed address", elf(ET_DYN, 0, bunHeaders, 0x1100), runtime(), /no fixed address/],
    ["a Bun without a loader", elf(ET_EXEC, 0, bunHeaders.slice(1), 0x1100), runtime(), /asks for no loader/],
    ["a runtime too large", bun, runtime(0x1f0000), /below Bun are only/],
    ["a runtime without its section", bun, elf(ET_DYN, 0, [], 0x1100), /no room for where Bun is/],
    ["no ELF", new Uint8Array(100), runtime(), /not an ELF64 file/],
  ];
  test.each(refused)("refuses %s", (_, one, other, message) => {
    expect(() => graft(one, other)).toThrow(message);
  });
});
