import { describe, expect, test } from "bun:test";
import { parseArguments } from "../../src/command/arguments.ts";
import { type End, type Event, type Kind, key, type Meta } from "../../src/event.ts";
import { Filter, type Noise } from "../../src/filter/filter.ts";
import { Glob } from "../../src/filter/glob.ts";
import { Group } from "../../src/layout.ts";

const encoder = new TextEncoder();

/** `12(sh)`; `-` is an end that can't be known, `12()` one without a name */
function end(words: string): End {
  if (words === "-") return { pid: -1, comm: null, guess: false };
  const [, pid = "", comm] = /^(-?\d+)(?:\((.*)\))?$/.exec(words)!;
  return { pid: Number(pid), comm: comm === undefined ? null : encoder.encode(comm), guess: false };
}

type Facts = Record<string, string | number>;

function event(src: string, dst: string, facts: Facts = {}, kind: Kind = "pipe"): Event {
  const keys = Object.entries(facts).map(
    ([name, value]) => [key(name, typeof value === "number" ? "integer" : "text"), value] as const,
  );
  return {
    kind,
    time: { seconds: 0, nanoseconds: 0 },
    src: end(src),
    dst: end(dst),
    meta(out: Meta) {
      for (const [name, value] of keys) {
        if (typeof value === "number") out.integer(name, value, 0);
        else out.text(name, encoder.encode(value));
      }
    },
    countLow: 0,
    countHigh: 0,
    contents: null,
  };
}

function filter(line: string, command: number | null = null, noise: Noise | null = null): Filter {
  const invocation = parseArguments(line.split(" ").filter(Boolean));
  if (invocation.action !== "trace") throw new Error(line);
  return new Filter(invocation.options.wanted, command, noise);
}

const cases: [line: string, src: string, dst: string, wanted: boolean][] = [
  ["", "-", "-", true],
  ["-s 1", "1(a)", "2(b)", true],
  ["-s 1", "2(b)", "1(a)", false],
  ["-s 1", "-", "1(a)", false],
  ["-d 1", "2(b)", "1(a)", true],
  ["-d 1", "1(a)", "2(b)", false],
  ["-p 1", "1(a)", "2(b)", true],
  ["-p 1", "2(b)", "1(a)", true],
  ["-p 1", "2(b)", "3(c)", false],
  ["-p 1", "-", "-", false],
  ["-S a", "1(a)", "2(b)", true],
  ["-S a", "1(ab)", "2(b)", false],
  ["-S ab", "1(a)", "2(b)", false],
  ["-S a", "1", "2(a)", false],
  ["-D b", "1(a)", "2(b)", true],
  ["-D b", "1(b)", "2(a)", false],
  ["-P a", "1(a)", "2(b)", true],
  ["-P a", "2(b)", "1(a)", true],
  ["-P a", "2", "1", false],
  // the name of one whose pid can't be told, outside the pid namespace
  ["-P a", "-1(a)", "2(b)", true],
  ["-P averylongprocessname", "1(averylongproces)", "2(b)", true],
  ["-P averylongproces", "1(averylongproces)", "2(b)", true],
  ["-P é", "1(é)", "2(b)", true],
  // any match within a group
  ["-s 1,7", "7(x)", "2(b)", true],
  ["-s 1 -S x", "7(x)", "2(b)", true],
  ["-s 1 -S x", "1(y)", "2(b)", true],
  ["-s 1 -S x", "7(y)", "1(x)", false],
  // every group
  ["-s 1 -d 2", "1(a)", "2(b)", true],
  ["-s 1 -d 2", "1(a)", "3(b)", false],
  ["-s 1 -d 2", "3(a)", "2(b)", false],
  ["-s 1 -P b", "1(a)", "2(b)", true],
  ["-s 1 -P c", "1(a)", "2(b)", false],
  ["-s 1 -D b -p 2", "1(a)", "2(b)", true],
  // exclusions
  ["--not-pid 1", "1(a)", "2(b)", false],
  ["--not-pid 1", "2(b)", "1(a)", false],
  ["--not-pid 1", "2(b)", "3(c)", true],
  ["--not-pid 1", "-", "-", true],
  ["--not-comm a", "1(a)", "2(b)", false],
  ["--not-comm a", "2(b)", "1(a)", false],
  ["--not-comm a", "2(b)", "1(ab)", true],
  ["--not-comm a", "2", "-", true],
  ["-p 1 --not-comm b", "1(a)", "2(b)", false],
  ["-p 1 --not-pid 2", "1(a)", "3(b)", true],
];
test.each(cases)("ipcdump %s: %s > %s is %p", (line, src, dst, wanted) => {
  expect(filter(line).passes(event(src, dst))).toBe(wanted);
});

const places: [line: string, facts: Facts, wanted: boolean][] = [
  ["--path /run/*", { pipe_name: "/run/fifo" }, true],
  ["--path /run/*", { path: "/run/user/1/bus" }, true],
  ["--path pts/?", { tty_name: "pts/3" }, true],
  ["--path /run/*", { pipe_name: "<anonymous>" }, false],
  ["--path /run/*", { name: "/run/x" }, false],
  ["--path /tmp/*,@x", { path: "@x" }, true],
  ["--path *", {}, false],
  ["--port 80", { src_port: 80, dst_port: 40000 }, true],
  ["--port 80", { src_port: 40000, dst_port: 80 }, true],
  ["--port 80", { src_port: 40000, dst_port: 8080 }, false],
  ["--port 80", { count: 80 }, false],
  ["--port 80,443", { src_port: 1, dst_port: 443 }, true],
  ["--port 80", {}, false],
  ["--port 80 --path *", { src_port: 80 }, false],
  ["--port 80 -s 2", { src_port: 80 }, false],
];
test.each(places)("ipcdump %s: %j is %p", (line, facts, wanted) => {
  expect(filter(line).passes(event("1(a)", "2(b)", facts))).toBe(wanted);
});

describe("descendants", () => {
  test("--follow", () => {
    const one = filter("-s 1 -P cat --follow");
    one.forked(1, 10);
    one.forked(10, 100);
    one.forked(2, 20);
    expect(one.passes(event("100(x)", "5(cat)"))).toBe(true);
    expect(one.passes(event("20(x)", "5(cat)"))).toBe(false);
    expect(one.passes(event("5(cat)", "100(x)"))).toBe(false);
    // the pid of one that is gone, given to another
    one.forked(2, 100);
    expect(one.passes(event("100(x)", "5(cat)"))).toBe(false);
    expect(one.passes(event("10(x)", "5(cat)"))).toBe(true);
  });

  test("who was not told of is taken in by the groups the kernel has them in", () => {
    const one = filter("-s 1 -d 2 --not-pid 9 --follow", 5);
    one.include(10, Group.GROUP_SOURCE | Group.GROUP_COMMAND);
    one.include(20, Group.GROUP_DESTINATION);
    one.include(90, Group.GROUP_EXCLUDED); // of those descendants are never left out
    expect(one.passes(event("10(x)", "20(y)"))).toBe(true);
    expect(one.passes(event("20(x)", "10(y)"))).toBe(false);
    expect(filter("-s 1", 5).passes(event("1(x)", "90(y)"))).toBe(false);
    const other = filter("-s 1");
    other.include(10, Group.GROUP_SOURCE);
    expect(other.passes(event("10(x)", "20(y)"))).toBe(false);
  });

  test("when all that was followed is gone, nothing passes", () => {
    const one = filter("-p 1 --follow");
    one.forked(2, 1);
    expect(one.passes(event("5(a)", "6(b)"))).toBe(false);
  });

  test("those there are by now: one that is asked for itself stays so", () => {
    const one = filter("-s 1 -d 2 --follow");
    one.adopt(1, 2);
    one.adopt(2, 20);
    expect(one.passes(event("1(a)", "2(b)"))).toBe(true);
    expect(one.passes(event("2(b)", "20(c)"))).toBe(true);
    expect(one.passes(event("20(c)", "1(a)"))).toBe(false);
  });

  test("without --follow there are none", () => {
    const one = filter("-s 1");
    one.forked(1, 10);
    expect(one.passes(event("10(a)", "2(b)"))).toBe(false);
  });

  test("-- cmd: it and its descendants, at either end", () => {
    const one = filter("-P cat", 50);
    one.forked(50, 51);
    expect(one.passes(event("51(cat)", "2(b)"))).toBe(true);
    expect(one.passes(event("2(cat)", "50(sh)"))).toBe(true);
    expect(one.passes(event("51(sh)", "50(sh)"))).toBe(false);
    expect(one.passes(event("1(cat)", "2(cat)"))).toBe(false);
  });
});

describe("noise", () => {
  const noise: Noise = {
    terminals: [{ name: encoder.encode("pts/3"), device: 0 }],
    pager: { pid: 9, terminal: { name: encoder.encode("pts/4"), device: 0 } },
  };
  const cases: [src: string, kind: Kind, tty: string, wanted: boolean][] = [
    ["1(a)", "pty", "pts/3", false],
    ["1(a)", "pty", "pts/30", true],
    ["1(a)", "pty", "pts/4", true],
    ["9(less)", "pty", "pts/4", false],
    ["9(less)", "pty", "pts/5", true],
    ["9(less)", "pipe", "pts/4", true],
  ];
  test.each(cases)("%s, a %s named %s is %p", (src, kind, tty, wanted) => {
    expect(filter("", null, noise).passes(event(src, "2(b)", { tty_name: tty }, kind))).toBe(wanted);
    expect(filter("").passes(event(src, "2(b)", { tty_name: tty }, kind))).toBe(true);
  });

  test("a terminal of the same name in another instance of devpts is none", () => {
    const terminal = { name: encoder.encode("pts/3"), device: 26 };
    const own = filter("", null, { terminals: [terminal], pager: { pid: 9, terminal } });
    for (const [device, wanted] of [
      [26, false],
      [27, true],
    ] as const) {
      const written = event("9(less)", "2(b)", { tty_name: "pts/3" }, "pty");
      const { meta } = written;
      written.meta = (out) => {
        meta(out);
        out.file?.({ device, inodeLow: 6, inodeHigh: 0, path: new Uint8Array(0) });
      };
      expect(own.passes(written)).toBe(wanted);
    }
  });
});

const globs: [pattern: string, name: string, wanted: boolean][] = [
  ["", "", true],
  ["", "a", false],
  ["a", "a", true],
  ["a", "ab", false],
  ["*", "", true],
  ["*", "/a/b", true],
  ["a*", "a", true],
  ["a*c", "abbc", true],
  ["a*c", "abcb", false],
  ["*.sock", "/run/x.sock", true],
  ["*a*b*", "xxaxxbxx", true],
  ["*a*b*", "xxbxxaxx", false],
  ["**a", "ba", true],
  ["a?c", "abc", true],
  ["a?c", "aéc", true],
  ["a?c", "ac", false],
  ["[abc]", "b", true],
  ["[abc]", "d", false],
  ["[a-c]x", "bx", true],
  ["[!a-c]", "b", false],
  ["[!a-c]", "é", true],
  ["[é]", "é", true],
  ["[^x]", "x", false],
  ["[]]", "]", true],
  ["[-a]", "-", true],
  ["[a", "[a", true],
  ["\\*", "*", true],
  ["\\*", "a", false],
  ["a\\", "a\\", true],
  ["[!a]", "", false],
];
test("a pattern of a hundred thousand brackets takes no longer than others", () => {
  const many = 100_000;
  expect(new Glob("[".repeat(many)).matches(encoder.encode("[".repeat(many)))).toBe(true);
  expect(new Glob("[a]".repeat(many)).matches(encoder.encode("a".repeat(many)))).toBe(true);
  expect(new Glob(`[]${"[".repeat(many)}`).matches(encoder.encode(`[]${"[".repeat(many)}`))).toBe(true);
});

test.each(globs)("%s is like %s: %p", (pattern, name, wanted) => {
  expect(new Glob(pattern).matches(encoder.encode(name))).toBe(wanted);
});

test("a pattern meant to be slow is not", () => {
  const bytes = encoder.encode("a".repeat(4000));
  const start = performance.now();
  expect(new Glob(`${"a*".repeat(30)}b`).matches(bytes)).toBe(false);
  expect(performance.now() - start).toBeLessThan(1000);
});

test("invalid UTF-8 is matched byte by byte", () => {
  expect(new Glob("a??").matches(Uint8Array.of(0x61, 0xff, 0xfe))).toBe(true);
  expect(new Glob("a*").matches(Uint8Array.of(0x61, 0xff))).toBe(true);
});

test("what has no end in our pid namespace is left out, where that is asked for", () => {
  const { wanted } = (parseArguments([]) as Extract<ReturnType<typeof parseArguments>, { action: "trace" }>)
    .options;
  const inside = new Filter(wanted, null, null, true);
  expect(inside.passes(event("-1(a)", "-1(b)"))).toBe(false);
  expect(inside.passes(event("-", "-"))).toBe(false);
  expect(inside.passes(event("-1(a)", "2(b)"))).toBe(true);
  expect(inside.passes(event("2(b)", "-"))).toBe(true);
  expect(new Filter(wanted, null, null, false).passes(event("-1(a)", "-1(b)"))).toBe(true);
});
