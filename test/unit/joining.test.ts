import { expect, test } from "bun:test";
import { type Event, key, type Meta } from "../../src/event.ts";
import { Joining } from "../../src/trace/joining.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One that comes `at` milliseconds after the first; `a>b` are its ends. */
function event(
  at: number,
  ends: string,
  text: string,
  changes: Record<string, number> = {},
  kind = "pipe",
): Event {
  const [src = "", dst = ""] = ends.split(">");
  const end = (name: string) => ({ pid: name.charCodeAt(0), comm: encoder.encode(name), guess: false });
  const meta = { count: text.length, ...changes };
  return {
    kind: kind as Event["kind"],
    time: { seconds: 100, nanoseconds: at * 1e6 },
    src: end(src),
    dst: end(dst),
    meta: (out: Meta) => {
      for (const [name, value] of Object.entries(meta)) out.integer(key(name, "integer"), value, 0);
    },
    countLow: meta.count,
    countHigh: 0,
    contents: { bytes: encoder.encode(`..${text}`), start: 2, length: text.length },
  };
}

/** The events that are made of these, as `time ends text count/events`. */
function joined(events: readonly Event[], ticks: readonly number[] = []): string[] {
  const lines: string[] = [];
  const joining = new Joining(0.01, {
    event: ({ time, src, dst, meta, contents }) => {
      const said: { [name: string]: number; count: number; events: number } = { count: 0, events: 1 };
      meta({
        text: () => {},
        flag: () => {},
        integer: ({ name }, low) => {
          said[name] = low;
        },
      });
      const { bytes, start, length } = contents!;
      const [from, to] = [src, dst].map(({ comm }) => decoder.decode(comm!));
      const text = decoder.decode(bytes.subarray(start, start + length));
      lines.push(`${time.nanoseconds / 1e6} ${from}>${to} ${text} ${said.count}/${said.events}`);
    },
    message: () => {},
  });
  for (const one of events) {
    if (one.kind === "signal" && one.countLow === 0) joining.lost();
    else joining.event(one);
  }
  for (const at of ticks) joining.tick({ seconds: 100, nanoseconds: at * 1e6 });
  if (ticks.length === 0) joining.end();
  return lines;
}

test("one-byte reads become one, until the time is over", () => {
  const letters = [..."hello world"].map((letter, i) => event(i, "a>b", letter));
  expect(joined(letters)).toEqual(["0 a>b hello world 11/11"]);
  expect(joined([...letters, event(12, "a>b", "!")])).toEqual(["0 a>b hello world 11/11", "12 a>b ! 1/1"]);
});

test("others keep their own, in the order in which they began", () => {
  const events = [
    event(0, "a>b", "1"),
    event(1, "c>d", "x"),
    event(2, "a>b", "2"),
    event(3, "a>b", "y", { pipe_inode: 5 }),
    event(4, "c>d", "z"),
    event(5, "a>c", "w"),
  ];
  expect(joined(events)).toEqual(["0 a>b 12 2/2", "1 c>d xz 2/2", "3 a>b y 1/1", "5 a>c w 1/1"]);
});

test("an answer ends what was asked, on the same connection only", () => {
  const there = { src_inode: 1, dst_inode: 2 };
  const back = { src_inode: 2, dst_inode: 1 };
  const events = [
    event(0, "a>b", "as", there, "unix-stream"),
    event(1, "a>b", "k", there, "unix-stream"),
    event(2, "b>a", "no", { src_inode: 9, dst_inode: 8 }, "unix-stream"),
    event(3, "a>b", "!", there, "unix-stream"),
    event(4, "b>a", "yes", back, "unix-stream"),
    event(5, "a>b", "more", there, "unix-stream"),
  ];
  expect(joined(events)).toEqual(["0 a>b ask! 4/3", "2 b>a no 2/1", "4 b>a yes 3/1", "5 a>b more 4/1"]);
});

test("nothing is joined across a gap, nor across what was lost", () => {
  const gap = [event(0, "a>b", "1"), event(1, "a>b", "2", { count: 9 }), event(2, "a>b", "3")];
  expect(joined(gap)).toEqual(["0 a>b 12 11/3"]);
  const lost = [event(0, "a>b", "1"), event(1, "a>b", "", {}, "signal"), event(2, "a>b", "2")];
  expect(joined(lost)).toEqual(["0 a>b 1 1/1", "2 a>b 2 1/1"]);
});

test("time alone brings it out, a little later for what is still in the ring", () => {
  const events = [event(0, "a>b", "1"), event(5, "c>d", "2")];
  expect(joined(events, [60])).toEqual([]);
  expect(joined(events, [71])).toEqual(["0 a>b 1 1/1"]);
  expect(joined(events, [71, 76])).toEqual(["0 a>b 1 1/1", "5 c>d 2 1/1"]);
});

test("as many as there may be, and of as many conversations", () => {
  const many = Array.from({ length: 70_000 }, (_, i) => event(0, "a>b", "x", { pipe_inode: i }));
  const lines = joined(many);
  expect(lines).toHaveLength(70_000);
}, 60_000);
