import { expect, test } from "bun:test";
import { PathRecord } from "../../src/layout.ts";
import { Paths } from "../../src/name/paths.ts";
import { Tape } from "./tape.ts";

function add(paths: Paths, device: number, inode: number, components: readonly string[]): void {
  const tape = new Tape(8192);
  tape.path(device, inode, components);
  tape.next();
  const record = new PathRecord(tape.words);
  record.at = tape.at;
  paths.add(record, tape.bytes);
}

function find(paths: Paths, device: number, inodeLow: number, inodeHigh = 0): string {
  return new TextDecoder().decode(paths.find(device, inodeLow, inodeHigh));
}

test("components are joined, the last first", () => {
  const paths = new Paths();
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
  const paths = new Paths();
  add(paths, 1, 7, ["one"]);
  add(paths, 2, 7, ["two"]);
  expect(find(paths, 1, 7)).toBe("/one");
  expect(find(paths, 2, 7)).toBe("/two");
  expect(find(paths, 3, 7)).toBe("<unknown>");
  expect(find(paths, 1, 8)).toBe("<unknown>");
  expect(find(paths, 1, 7, 1)).toBe("<unknown>");
});

test("an inode that is reused has its new path", () => {
  const paths = new Paths();
  add(paths, 1, 7, ["old"]);
  add(paths, 1, 7, ["new"]);
  expect(find(paths, 1, 7)).toBe("/new");
});

test("a component that nothing ends is left out", () => {
  const paths = new Paths();
  const tape = new Tape(8192);
  tape.path(1, 7, ["b", "a"]);
  tape.next();
  const record = new PathRecord(tape.words);
  record.at = tape.at;
  tape.words[tape.at + 1] = 3; // "b\0a": its NUL is cut off
  paths.add(record, tape.bytes);
  expect(find(paths, 1, 7)).toBe("/b");
});

test("no more than so many are kept", () => {
  const paths = new Paths();
  const tape = new Tape(8192);
  tape.path(1, 0, ["x"]);
  tape.next();
  const record = new PathRecord(tape.words);
  record.at = tape.at;
  for (let inode = 0; inode <= 65536; inode++) {
    tape.words[tape.at + 2] = inode;
    paths.add(record, tape.bytes);
  }
  expect(find(paths, 1, 65536)).toBe("/x");
  expect(find(paths, 1, 0)).toBe("<unknown>");
});
