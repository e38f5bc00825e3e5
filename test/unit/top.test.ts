import { expect, test } from "bun:test";
import type { Event } from "../../src/event.ts";
import { Rows } from "../../src/format/rows.ts";
import { Board } from "../../src/top/board.ts";
import { frameOf, short } from "../../src/top/screen.ts";

const encoder = new TextEncoder();

function event(source: number, destination: number, bytes: number): Event {
  const end = (pid: number) => ({ pid, comm: encoder.encode(`p${pid}`), guess: false });
  return {
    kind: "pipe",
    time: { seconds: 0, nanoseconds: 0 },
    src: end(source),
    dst: end(destination),
    meta: () => {},
    countLow: bytes,
    countHigh: 0,
    contents: null,
  };
}

test("conversations, processes, order and filter", () => {
  const [rows, board] = [new Rows(), new Board()];
  for (const [source, destination, bytes] of [
    [1, 2, 10],
    [1, 2, 10],
    [2, 1, 500],
    [3, 3, 100],
  ] as const)
    rows.add(event(source, destination, bytes));
  const seen = () => board.frame(rows).map(({ source, destination, bytes }) => [source, destination, bytes]);
  const all = [
    ["2(p2)", "1(p1)", 500],
    ["3(p3)", "3(p3)", 100],
    ["1(p1)", "2(p2)", 20],
  ];
  expect(seen()).toEqual(all);
  board.filter = "P3";
  expect(seen()).toEqual([all[1]!]);
  board.filter = "";
  board.view = "processes";
  board.order = "bytes";
  expect(seen()).toEqual([
    ["1(p1)", "2(p2)", 520],
    ["2(p2)", "1(p1)", 520],
    ["3(p3)", "3(p3)", 100],
  ]);
});

test("what is silent for long makes room for others", () => {
  const rows = new Rows();
  for (let pid = 1; pid <= 30; pid++) rows.add(event(pid, pid + 1, pid));
  rows.prune(({ srcPid }) => srcPid % 3 === 0);
  expect([...rows].map(({ srcPid }) => srcPid)).toEqual([3, 6, 9, 12, 15, 18, 21, 24, 27, 30]);
  for (const source of [3, 4]) rows.add(event(source, source + 1, 7));
  expect([...rows].map(({ srcPid, bytes }) => [srcPid, bytes]).slice(0, 1)).toEqual([[3, 10]]);
  expect([...rows].at(-1)).toMatchObject({ srcPid: 4, bytes: 7 });
});

test("a frame fits its terminal, and says what there is room for", () => {
  const rows = new Rows();
  rows.add(event(4194304, 4194303, 123456789));
  const head = {
    seconds: 3,
    events: 1,
    lost: 0,
    view: "conversations",
    order: "rate",
    filter: "",
    isTyping: false,
    isPaused: false,
  };
  const lines = frameOf(head, new Board().frame(rows), 80);
  expect(lines.slice(1).filter((line) => line.length > 80)).toEqual([]);
  expect(lines[2]).toContain("123M");
  const typed = { ...head, events: 99_999, lost: 1234, filter: "a word that is long", isTyping: true };
  const [top] = frameOf(typed, new Board().frame(rows), 80);
  expect(top).toMatch(
    /^ipcdump top 3s {2}\S+\/s {2}1.2K lost {2}conversations by rate {2}\/a word that is long_$/,
  );
});

test("numbers have four characters at most", () => {
  expect([0, 0.01, 0.26, 3, 9.96, 42, 999, 1000, 9949, 12345, 999_600, 5e9, 1e15].map(short)).toEqual([
    ...["0", "0", "0.3", "3", "10", "42", "999", "1.0K", "9.9K", "12K", "1.0M", "5.0G", "1P"],
  ]);
});
