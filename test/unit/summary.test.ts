import { describe, expect, test } from "bun:test";
import { Output } from "../../src/bytes/output.ts";
import { isColored } from "../../src/command/color.ts";
import { type End, type Event, type Kind, key, type Meta } from "../../src/event.ts";
import { type FormatName, formats } from "../../src/format/index.ts";
import { Summary } from "../../src/format/summary.ts";
// they say which names of meta are places
import "../../src/kinds/index.ts";

const encoder = new TextEncoder();
const time = { seconds: Date.UTC(2026, 10, 22, 12, 34, 56) / 1000, nanoseconds: 7 };

function end(pid: number, comm: string | null): End {
  return { pid, comm: comm === null ? null : encoder.encode(comm), guess: false };
}

function event(
  kind: Kind,
  src: End,
  dst: End,
  facts: Record<string, string | number> = {},
  bytes = 0,
  high = 0,
): Event {
  return {
    kind,
    time,
    src,
    dst,
    meta(out: Meta) {
      for (const [name, value] of Object.entries(facts)) {
        if (typeof value === "number") out.integer(key(name, "integer"), value, 0);
        else out.text(key(name, "text"), encoder.encode(value));
      }
    },
    countLow: bytes,
    countHigh: high,
    contents: null,
  };
}

function filled(format: FormatName): Summary {
  const summary = new Summary(format);
  const [sh, cat] = [end(12, "sh"), end(345, 'c,"\x1b')];
  const pipe = { pipe_name: "<anonymous>", pipe_inode: 7 };
  summary.event(event("signal", sh, cat, { num: 15, name: "SIGTERM" }));
  summary.event(event("pipe", sh, cat, pipe, 5));
  summary.event(event("pipe", sh, cat, { ...pipe, pipe_inode: 8 }, 6));
  summary.event(event("pipe", end(-1, null), cat, pipe, 1, 1));
  for (const [from, to] of [
    [80, 40000],
    [40000, 80],
  ]) {
    const facts = { src_addr: "::1", src_port: from!, dst_addr: "::1", dst_port: to! };
    summary.event(event("loopback-tcp", sh, cat, facts, 3));
  }
  summary.lost({ kind: "pipe", count: 17, reason: "ring_full", time });
  summary.lost({ kind: "pipe", count: 3, reason: "map_full", time });
  return summary;
}

function table(summary: Summary): string {
  const out = new Output(0);
  summary.table(time, out);
  return new TextDecoder().decode(out.bytes.subarray(0, out.length));
}

test("text: columns, most bytes first, both ways of a connection at its service", () => {
  expect(table(filled("text"))).toBe(
    [
      "TYPE          SRC            DST            WHERE        EVENTS       BYTES  GUESSED  LOST",
      'pipe          -1(<unknown>)  345(c,"\\x1b)   <anonymous>       1  4294967297        0     0',
      'pipe          12(sh)         345(c,"\\x1b)   <anonymous>       2          11        0     0',
      'loopback-tcp  12(sh)         345(c,"\\x1b)   [::1]:80          2           6        0     0',
      'signal        12(sh)         345(c,"\\x1b)   SIGTERM           1           0        0     0',
      "pipe          -1(<unknown>)  -1(<unknown>)  -                 0           0        0    20",
      "",
    ].join("\n"),
  );
});

test("json", () => {
  const rows = table(filled("json"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows).toHaveLength(5);
  expect(rows[1]).toEqual({
    summary: true,
    time: "2026-11-22T12:34:56.000000007+00:00",
    type: "pipe",
    src_pid: 12,
    src_comm: "sh",
    dst_pid: 345,
    dst_comm: 'c,"\x1b',
    where: "<anonymous>",
    events: 2,
    bytes: 11,
    guessed: 0,
    lost: 0,
  });
  expect(rows[4]).toMatchObject({ src_pid: -1, src_comm: "<unknown>", where: "", events: 0, lost: 20 });
});

test("csv", () => {
  const lines = table(filled("csv")).split("\n");
  expect(lines[0]).toBe("time,type,src_pid,src_comm,dst_pid,dst_comm,where,events,bytes,guessed,lost");
  expect(lines[2]).toBe(
    '2026-11-22T12:34:56.000000007+00:00,pipe,12,sh,345,"c,""\\x1b",<anonymous>,2,11,0,0',
  );
});

test("guesses have rows of their own", () => {
  const summary = new Summary("json");
  const [sh, cat] = [end(12, "sh"), end(345, "cat")];
  for (const guess of [false, true, false, true, true])
    summary.event(event("pipe", sh, { ...cat, guess }, { path: "<anonymous>" }, 10));
  const rows = table(summary).trimEnd().split("\n");
  expect(
    rows.map((row) => JSON.parse(row)).map(({ events, bytes, guessed }) => [events, bytes, guessed]),
  ).toEqual([
    [3, 30, 3],
    [2, 20, 0],
  ]);
});

test("nothing happened", () => {
  expect(table(new Summary("text"))).toBe("TYPE  SRC  DST  WHERE  EVENTS  BYTES  GUESSED  LOST\n");
  expect(table(new Summary("json"))).toBe("");
});

test("too many pairs are added up, nothing is left out", () => {
  const summary = new Summary("json");
  const events = 100_500;
  for (let i = 1; i <= events; i++) summary.event(event("pipe", end(i, "a"), end(i + 1, "b"), {}, 2));
  const rows = table(summary)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.length).toBe(100_001);
  expect(rows[0]).toMatchObject({ where: "<others>", events: 500, bytes: 1000 });
  expect(rows.reduce((sum, row) => sum + row.bytes, 0)).toBe(2 * events);
});

describe("colours", () => {
  const cases: [
    choice: "auto" | "always" | "never",
    terminal: boolean,
    environment: object,
    wanted: boolean,
  ][] = [
    ["auto", true, { TERM: "xterm" }, true],
    ["auto", true, {}, true],
    ["auto", true, { NO_COLOR: "" }, true],
    ["auto", true, { NO_COLOR: "0" }, false],
    ["auto", true, { TERM: "dumb" }, false],
    ["auto", false, { TERM: "xterm" }, false],
    ["always", false, { NO_COLOR: "1" }, true],
    ["never", true, {}, false],
  ];
  test.each(cases)("%s, terminal %p, %j: %p", (choice, terminal, environment, wanted) => {
    expect(isColored(choice, terminal, { ...environment })).toBe(wanted);
  });

  test("without its colours a line is the same", () => {
    const one = event("pipe", end(1, "a"), end(2, "b"), { count: 3 });
    const lost = { kind: "pipe", count: 17, reason: "ring_full", time } as const;
    const [plain, colored] = [false, true].map((isColored) => {
      const out = new Output(0);
      const format = formats.text({ isColored });
      format.event(one, out);
      format.lost(lost, out);
      return new TextDecoder().decode(out.bytes.subarray(0, out.length));
    });
    expect(colored).toContain("\x1b[");
    expect(Bun.stripANSI(colored!)).toBe(plain!);
    expect(plain).not.toContain("\x1b");
    for (const line of colored!.trimEnd().split("\n"))
      expect(line).toEndWith(/lost/.test(line) ? "\x1b[0m" : "3");
  });
});
