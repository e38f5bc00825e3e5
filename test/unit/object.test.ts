import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { NativeError } from "../../ffi/error.ts";
import { Kretprobes } from "../../ffi/kretprobes.ts";
import { openLibbpf } from "../../ffi/libbpf.ts";
import { ClosedError } from "../../ffi/life.ts";
import { BpfObject } from "../../ffi/object.ts";

/** A machine may have a lot else to do. */
setDefaultTimeout(30_000);

const at = (name: string) => new URL(`../../dist/${name}`, import.meta.url).pathname;
const libbpf = openLibbpf(at("libbpf.so"));
const whole = readFileSync(at("ipcdump.bpf.o"));

function open(bytes: Uint8Array): string | null {
  try {
    using object = BpfObject.open(
      libbpf,
      Uint8Array.from(bytes),
      { perf: false, session: false },
      new Kretprobes(() => 0, null),
      null,
    );
    expect(object.programs.length).toBeGreaterThan(0);
    return null;
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    expect(error.errno).toBeGreaterThan(0);
    return error.message;
  }
}

test("the BPF object is opened", () => {
  expect(open(whole)).toBeNull();
});

test("what is closed says so when it is touched, and is closed once", () => {
  const object = BpfObject.open(
    libbpf,
    Uint8Array.from(whole),
    { perf: false, session: false },
    new Kretprobes(() => 0, null),
    null,
  );
  const map = object.map("ring");
  const words = object.map(".rodata.config").words(8);
  const [program] = object.programs;
  expect(words.length).toBe(2);
  object[Symbol.dispose]();
  object[Symbol.dispose]();
  const touches = [
    () => object.map("ring"),
    () => object.load(),
    () => map.fd,
    () => map.lookup(Uint32Array.of(0), Uint32Array.of(0)),
    () => map.words(8),
    () => program!.enable(true),
    () => program!.misses(),
  ];
  for (const touch of touches) expect(touch).toThrow(new ClosedError("the BPF object"));
  expect([words.length, words[0]]).toEqual([0, undefined]);
});

test("what is cut, or foreign, is not, and nothing crashes", () => {
  const message = /^cannot open the BPF object: \w+/;
  for (let part = 1; part < 40; part++)
    expect(open(whole.subarray(0, Math.floor((whole.length * part) / 40)))).toMatch(message);
  for (const other of ["libbpf.so", "child.elf", "drop.bin"])
    expect(open(readFileSync(at(other)))).toMatch(message);
  expect(open(new TextEncoder().encode("not an object"))).toMatch(message);
});
