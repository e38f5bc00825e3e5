import { expect, test } from "bun:test";
import { key, type Meta } from "../../src/event.ts";
import { generator, json, pipe, record, replay } from "./recordings.ts";

const encoder = new TextEncoder();

test("a recording of events that differ in one thing or another is the same events", () => {
  const below = generator(11);
  const one = <Value>(...values: Value[]): Value => values[below(values.length)]!;
  // events of one channel have the very same arrays
  const [a, b, c] = ["a", "b", "c"].map((comm) => encoder.encode(comm));
  const paths = ["/tmp/x", "/tmp/y"].map((path) => encoder.encode(path));
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => i * 7);
  const events = Array.from({ length: 2000 }, () => {
    const [path, inode, count] = [one(...paths), one(7, 8, 7 + 1024), one(0, 3, 9, 10, 260, 99_999, 2 ** 33)];
    const high = one(0, 0, 1);
    return {
      ...pipe(
        { pid: 1, comm: one(a!, b!), guess: one(true, false), tag: one(1, 2) },
        { pid: one(2, 3), comm: c!, guess: one(true, false), tag: 3 },
        bytes,
      ),
      meta(out: Meta) {
        out.text(key("pipe_name", "text", true), path);
        out.integer(key("pipe_inode", "integer"), inode, high);
        out.integer(key("count", "integer"), count >>> 0, Math.floor(count / 2 ** 32));
      },
      countLow: count >>> 0,
      countHigh: Math.floor(count / 2 ** 32),
      contents: { bytes, start: below(8), length: Math.min(count, one(2, 3, 260)) },
    };
  });
  const wanted = json((format, out) => {
    for (const event of events) format.event(event, out);
  });
  expect(replay(record(events)).lines).toEqual(wanted);
});
