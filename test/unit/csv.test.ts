import { expect, test } from "bun:test";
import { Output } from "../../src/bytes/output.ts";
import { type Event, key, type Meta } from "../../src/event.ts";
import { formats } from "../../src/format/index.ts";

const encoder = new TextEncoder();
const seconds = Date.UTC(2026, 10, 22, 12, 34, 56) / 1000;
const time = "2026-11-22T12:34:56.000000007+00:00";
const count = key("count", "integer");
const path = key("path", "text");

function event(changes: Partial<Event> = {}): Event {
  return {
    kind: "pipe",
    time: { seconds, nanoseconds: 7 },
    src: { pid: 123, comm: encoder.encode("sh"), guess: false },
    dst: { pid: -1, comm: null, guess: false },
    meta(out: Meta) {
      out.text(path, encoder.encode('/a "b", c'));
      out.integer(count, this.countLow, this.countHigh);
    },
    countLow: 18,
    countHigh: 0,
    contents: null,
    ...changes,
  };
}

function taken(write: (out: Output) => void): string {
  const out = new Output(0);
  write(out);
  return new TextDecoder("utf-8", { fatal: true }).decode(out.bytes.subarray(0, out.length));
}

const row = (event: Event) => taken((out) => formats.csv().event(event, out));

/** The fields of RFC 4180 rows with LF, the slow way. */
function parse(text: string): string[][] {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "",
      ),
    );
}

test("the header is the contract's", () => {
  expect(taken((out) => formats.csv().header(out))).toBe(
    "timestamp,type,src_pid,src_comm,dst_pid,dst_comm,count,meta,bytes\n",
  );
});

test("an event", () => {
  expect(row(event())).toBe(
    `${time},pipe,123,sh,-1,<unknown>,18,"{""path"":""/a \\""b\\"", c"",""count"":18}",\n`,
  );
});

test("contents, cut, with a guess", () => {
  const contents = { bytes: encoder.encode("xhi"), start: 1, length: 2 };
  const line = row(event({ contents, src: { pid: 5, comm: encoder.encode("a"), guess: true } }));
  const fields = parse(line)[0]!;
  expect(JSON.parse(fields[7]!)).toEqual({ path: '/a "b", c', count: 18, captured: 2, src_guess: true });
  expect(fields[8]).toBe("aGk=");
});

test("what has no count has an empty one", () => {
  expect(row(event({ kind: "signal", meta: (out) => out.integer(key("num", "integer"), 15, 0) }))).toBe(
    `${time},signal,123,sh,-1,<unknown>,,"{""num"":15}",\n`,
  );
});

test("hostile names stay one field of one row", () => {
  for (const [name, shown] of [
    ['a,"b', 'a,"b'],
    ["two\nlines", "two\\x0alines"],
    ["\x1b[31m", "\\x1b[31m"],
    ["", ""],
    ['"', '"'],
  ] as const) {
    const line = row(event({ src: { pid: 1, comm: encoder.encode(name), guess: false } }));
    const rows = parse(line);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toHaveLength(9);
    expect(rows[0]![3]).toBe(shown);
  }
});

test("any bytes give a row whose meta is JSON", () => {
  for (let round = 0; round < 500; round++) {
    const bytes = crypto.getRandomValues(new Uint8Array(round % 200));
    const [fields = []] = parse(row(event({ meta: (out) => out.text(path, bytes) })));
    expect(fields).toHaveLength(9);
    expect(JSON.parse(fields[7]!)).toEqual({
      path: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes),
    });
  }
});

test("lost", () => {
  const line = taken((out) =>
    formats
      .csv()
      .lost({ kind: "pipe", count: 17, reason: "ring_full", time: { seconds, nanoseconds: 7 } }, out),
  );
  expect(line).toBe(`${time},lost,,,,,17,"{""lost_type"":""pipe"",""reason"":""ring_full""}",\n`);
  expect(parse(line)[0]).toHaveLength(9);
});
