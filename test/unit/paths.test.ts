import { expect, test } from "bun:test";
import { PathRecord } from "../../src/layout.ts";
import { Paths } from "../../src/name/paths.ts";
import { Tape } from "./tape.ts";

function add(
  paths: Paths,
  device: number,
  inode: number,
  components: readonly string[],
  isCut = 0,
  position = 0,
): void {
  const tape = new Tape(8192);
  tape.path(device, inode, components, isCut);
  tape.next();
  const record = new PathRecord(tape.words);
  record.at = tape.at;
  paths.add(record, tape.bytes, position);
}

function find(paths: Paths, device: number, inodeLow: number, inodeHigh = 0, position = 0): string {
  return new TextDecoder().decode(paths.find(device, inodeLow, inodeHigh, position));
}

test("components are joined, the last first", () => {
  const paths = new Paths(1 << 20);
  const cases: [components: string[], path: string][] = [
    [["fifo"], "/fifo"],
    [["c", "b", "a"], "/a/b/c"],
    [["naïve name", "x".repeat(255), "tmp"], `/tmp/${"x".repeat(255)}/naïve name`],
    [[], "/"],
  ];
  for (const [inode, [components, path]] of cases.entries()) {
    add(paths, 1, inode, components);
    expect(find(paths, 1, inode)).toBe(path);
  }
});

test("by device and inode; what never came is <unknown>", () => {
  const paths = new Paths(1 << 20);
  add(paths, 1, 7, ["one"]);
  add(paths, 2, 7, ["two"]);
  expect(find(paths, 1, 7)).toBe("/one");
  expect(find(paths, 2, 7)).toBe("/two");
  expect(find(paths, 3, 7)).toBe("<unknown>");
  expect(find(paths, 1, 8)).toBe("<unknown>");
  expect(find(paths, 1, 7, 1)).toBe("<unknown>");
});

test("an inode that is reused has its new path", () => {
  const paths = new Paths(1 << 20);
  add(paths, 1, 7, ["old"]);
  add(paths, 1, 7, ["new"]);
  expect(find(paths, 1, 7)).toBe("/new");
});

test("a component that nothing ends is left out", () => {
  const paths = new Paths(1 << 20);
  const tape = new Tape(8192);
  tape.path(1, 7, ["b", "a"]);
  tape.next();
  const record = new PathRecord(tape.words);
  record.at = tape.at;
  tape.words[tape.at + 1] = 3; // "b\0a": its NUL is cut off
  paths.add(record, tape.bytes, 0);
  expect(find(paths, 1, 7)).toBe("/b");
});

test("a path whose beginning is missing says so", () => {
  const paths = new Paths(1 << 20);
  add(paths, 1, 7, ["fifo", "deep"], 1);
  add(paths, 1, 8, [], 1);
  expect(find(paths, 1, 7)).toBe("…/deep/fifo");
  expect(find(paths, 1, 8)).toBe("<unknown>");
});

test("all 64 bits of an inode count", () => {
  const paths = new Paths(1 << 20);
  const tape = new Tape(8192);
  const record = new PathRecord(tape.words);
  // as one number of 53 bits, the first two are the same
  for (const [name, low, high] of [
    ["one", 2, 0x8000_0000],
    ["two", 3, 0x8000_0000],
    ["three", 2, 0x8000_0001],
  ] as const) {
    tape.path(1, low, [name]);
    tape.next();
    record.at = tape.at;
    record.words[tape.at + 3] = high;
    paths.add(record, tape.bytes, 0);
  }
  expect(find(paths, 1, 2, 0x8000_0000)).toBe("/one");
  expect(find(paths, 1, 3, 0x8000_0000)).toBe("/two");
  expect(find(paths, 1, 2, 0x8000_0001)).toBe("/three");
});

test("of those that nobody asks for no more than so many are kept, the others stay", () => {
  const paths = new Paths(1 << 20);
  const tape = new Tape(8192);
  tape.path(1, 0, ["x"]);
  tape.next();
  const record = new PathRecord(tape.words);
  record.at = tape.at;
  for (let inode = 0; inode <= 3 * 65536; inode++) {
    tape.words[tape.at + 2] = inode;
    paths.add(record, tape.bytes, 0);
    expect(find(paths, 1, 0)).toBe("/x");
  }
  expect(find(paths, 1, 3 * 65536)).toBe("/x");
  expect(find(paths, 1, 2 * 65536 + 1)).toBe("/x");
  expect(find(paths, 1, 1)).toBe("<unknown>");
});

test("of FIFOs with one inode after the other each event has its own", () => {
  const paths = new Paths(1000);
  const names = ["one", "two", "three"];
  for (const [i, name] of names.entries()) add(paths, 1, 7, [name], 0, i * 400);
  expect([0, 399, 400, 799, 800, 5000].map((position) => find(paths, 1, 7, 0, position))).toEqual([
    ...["/one", "/one", "/two", "/two", "/three", "/three"],
  ]);
  add(paths, 1, 7, ["four"], 0, 1500); // the ring has nothing any more from before "two" ended
  expect([400, 800, 1500].map((position) => find(paths, 1, 7, 0, position))).toEqual([
    "/two",
    "/three",
    "/four",
  ]);
  expect(find(paths, 1, 7, 0, 399)).toBe("<unknown>");
});
