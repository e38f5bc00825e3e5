import { describe, expect, test } from "bun:test";
import { type Options, parseArguments, splitList } from "../../src/arguments.ts";
import type { Kind } from "../../src/event.ts";
import { UsageError } from "../../src/failure.ts";
import { flags } from "../../src/flags.ts";
import { help } from "../../src/help.ts";
import { kinds } from "../../src/kinds/index.ts";
import { kindWords } from "../../src/selection.ts";
import { nearest } from "../../src/spelling.ts";

const all: Kind[] = kinds.map(({ name }) => name);
const defaults: Options = {
  kinds: all,
  named: [],
  bytes: false,
  maxBytes: 0,
  count: 0,
  format: "text",
  output: null,
  lost: true,
  verbosity: 0,
  quiet: false,
  backend: "auto",
  ring: 16 * 1024 * 1024,
};
const pipe: Partial<Options> = { kinds: ["pipe"], named: ["pipe"] };
const both: Partial<Options> = { kinds: ["pipe", "signal"], named: ["pipe", "signal"] };

const accepted: [line: string, changes: Partial<Options>][] = [
  ["", {}],
  ["-t pipe", pipe],
  ["-t=pipe", pipe],
  ["-tpipe", pipe],
  ["--type=p", pipe],
  ["--type p", pipe],
  ["-t kill", { kinds: ["signal"], named: ["signal"] }],
  ["-t k", { kinds: ["signal"], named: ["signal"] }],
  ["-t signal,pipe", both],
  ["-t signal -t p -t pipe", both],
  ["-t all", {}],
  ["-t a,pipe", { named: ["pipe"] }],
  ["-x", { bytes: true }],
  ["-xL", { bytes: true, lost: false }],
  ["-xB 64", { bytes: true, maxBytes: 64 }],
  ["-x -B64", { bytes: true, maxBytes: 64 }],
  ["-B=64 -x", { bytes: true, maxBytes: 64 }],
  ["--bytes --max-bytes 0", { bytes: true }],
  ["-x -B 4294967295", { bytes: true, maxBytes: 4294967295 }],
  ["-c 3", { count: 3 }],
  ["-c 3 -c 5", { count: 5 }],
  ["--count=9007199254740991", { count: 9007199254740991 }],
  ["-f json", { format: "json" }],
  ["--format=text", {}],
  ["-o out.json", { output: "out.json" }],
  ["-o -", {}],
  ["-o=-weird", { output: "-weird" }],
  ["--output=--weird", { output: "--weird" }],
  ["--no-lost", { lost: false }],
  ["-v", { verbosity: 1 }],
  ["-vv", { verbosity: 2 }],
  ["-v -v --verbose", { verbosity: 2 }],
  ["-q", { quiet: true }],
  ["--backend kprobe", { backend: "kprobe" }],
  ["--ring 64K", { ring: 65536 }],
  ["--ring 65537", { ring: 131072 }],
  ["--ring 3m", { ring: 4 * 1024 * 1024 }],
  ["--ring=1G", { ring: 1024 ** 3 }],
  ["--", {}],
];
test.each(accepted)("accepted: ipcdump %s", (line, changes) => {
  expect(parseArguments(line.split(" ").filter(Boolean))).toEqual({
    action: "trace",
    options: { ...defaults, ...changes },
  });
});

const refused: [words: string[], message: string][] = [
  [["--fromat", "json"], "unknown flag --fromat; did you mean --format?\nTry: ipcdump --help"],
  [["--zzz"], "unknown flag --zzz\nTry: ipcdump --help"],
  [["-X"], "unknown flag -X; did you mean -x?\nTry: ipcdump --help"],
  [["-xZ"], "unknown flag -Z\nTry: ipcdump --help"],
  [["--constructor"], "unknown flag --constructor\nTry: ipcdump --help"],
  [["--\x1b[31m"], "unknown flag --\\x1b[31m\nTry: ipcdump --help"],
  [["-o"], "-o needs a value: -o FILE\nTry: ipcdump --help"],
  [["-o", ""], "-o needs a value: -o FILE\nTry: ipcdump --help"],
  [["--type="], "--type needs a value: --type KIND\nTry: ipcdump --help"],
  [["-o", "-x"], "-o needs a value: -o FILE, but -x is a flag\nTry: ipcdump --help"],
  [["--bytes=3"], "--bytes takes no value: 3\nTry: ipcdump --help"],
  [["-x", "-B", "-5"], "-B needs a whole number, 0 or more: -5"],
  [["-x", "-B", "0x10"], "-B needs a whole number, 0 or more: 0x10"],
  [["-x", "-B", "1.5"], "-B needs a whole number, 0 or more: 1.5"],
  [["-x", "-B", "1e3"], "-B needs a whole number, 0 or more: 1e3"],
  [["-x", "-B", " 1"], "-B needs a whole number, 0 or more:  1"],
  [["-x", "-B", "4294967296"], "-B can be 4294967295 at most: 4294967296"],
  [["-c", "9007199254740992"], "-c can be 9007199254740991 at most: 9007199254740992"],
  [["-c", "many"], "-c needs a whole number, 0 or more: many"],
  [["-B", "64"], "-B limits the contents that -x shows; add -x or leave out -B"],
  [["-qv"], "-q and -v contradict each other; leave one out"],
  [["-f", "jsn"], "-f jsn is unknown; did you mean json?"],
  [["-f", "yaml"], "-f yaml is unknown; one of text, json, csv"],
  [["--backend", "fenty"], "--backend fenty is unknown; did you mean fentry?"],
  [["-t", "sginal"], "-t sginal is unknown; did you mean signal?"],
  [["-t", "pipe,"], "-t needs a value: -t KIND\nTry: ipcdump --help"],
  [["-t", "quux"], "-t quux is unknown; one of pipe, signal, all"],
  [["--ring", "1"], "--ring must be between 64K and 1G: 1"],
  [["--ring", "2G"], "--ring must be between 64K and 1G: 2G"],
  [["--ring", "16MB"], "--ring needs a size like 512K, 16M or 1G: 16MB"],
  [["--ring", "-1"], "--ring needs a size like 512K, 16M or 1G: -1"],
  [["foo"], "no arguments are taken: foo\nTry: ipcdump --help"],
  [["pipe"], "no arguments are taken: pipe; did you mean -t pipe?\nTry: ipcdump --help"],
  [["help"], "no arguments are taken: help; did you mean --help?\nTry: ipcdump --help"],
  [["--", "ls", "-l"], "no arguments are taken: ls\nTry: ipcdump --help"],
];
test.each(refused)("refused: %j", (words, message) => {
  let error: unknown;
  try {
    parseArguments(words);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(UsageError);
  expect((error as UsageError).message).toBe(message);
  expect((error as UsageError).status).toBe(2);
});

test("every word of the contract is a kind of this version or known to come", () => {
  const words =
    "a all k signal kill u unix ud unix-dgram us unix-stream uq unix-seqpacket t pty lo loopback lt loopback-tcp lu loopback-udp p pipe";
  for (const word of words.split(" ")) {
    try {
      parseArguments(["-t", word]);
    } catch (error) {
      const known = kinds.map(({ name }) => name).join(", ");
      expect((error as Error).message).toBe(
        `-t ${word} is not traced by this version yet; it knows ${known}`,
      );
    }
  }
});

test("help and version win over everything else", () => {
  expect(parseArguments(["--zzz", "-B", "x", "-h"])).toEqual({ action: "help" });
  expect(parseArguments(["-xh"])).toEqual({ action: "help" });
  expect(parseArguments(["--version"])).toEqual({ action: "version", verbose: false });
  expect(parseArguments(["--version", "-v"])).toEqual({ action: "version", verbose: true });
});

describe("help", () => {
  const text = help(kindWords);
  test("fits a terminal", () => {
    const lines = text.split("\n");
    expect(lines.filter((line) => line.length > 80 || line !== line.trimEnd())).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(45);
  });
  test("names every flag with its default, and every kind", () => {
    for (const [name, flag] of Object.entries(flags)) {
      expect(text).toContain(`--${name}`);
      if ("default" in flag) expect(text.replace(/\s+/g, " ")).toContain(`(default ${flag.default})`);
    }
    for (const words of kindWords) expect(text).toContain(words.join("|"));
  });
  test("ends with one-liners that work as written", () => {
    const examples = [...text.matchAll(/^ {2}ipcdump(.*?) +#/gm)].map(([, words]) =>
      words!.split(" ").filter(Boolean),
    );
    expect(examples.length).toBe(3);
    for (const words of examples) expect(parseArguments(words).action).toBe("trace");
  });
});

test("lists", () => {
  expect(splitList("a,b")).toEqual(["a", "b"]);
  expect(splitList("a\\,b,c")).toEqual(["a,b", "c"]);
  expect(splitList("")).toEqual([""]);
});

test("near misses", () => {
  const words = ["format", "output", "verbose", "count"];
  expect(nearest("fromat", words)).toBe("format");
  expect(nearest("Output", words)).toBe("output");
  expect(nearest("verb", words)).toBe("verbose");
  expect(nearest("xyz", words)).toBe(null);
});
