import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Output } from "../../src/bytes/output.ts";
import { type Event, key, type Lost, type Meta } from "../../src/event.ts";
import { type FormatName, formats } from "../../src/format/index.ts";
import { contents, taken } from "./written.ts";

/** A machine may have a lot else to do. */
setDefaultTimeout(60_000);

const encoder = new TextEncoder();
const seconds = Date.UTC(2026, 10, 22, 12, 34, 56) / 1000;

const names = {
  pipe: key("pipe_name", "text"),
  inode: key("pipe_inode", "integer"),
  count: key("count", "integer"),
};

function event(changes: Partial<Event> = {}): Event {
  return {
    kind: "pipe",
    time: { seconds, nanoseconds: 123456789 },
    src: { pid: 123, comm: encoder.encode("sh"), guess: false },
    dst: { pid: 456, comm: encoder.encode("cat"), guess: false },
    meta(out: Meta) {
      out.text(names.pipe, encoder.encode("<anonymous>"));
      out.integer(names.inode, 789, 0);
      out.integer(names.count, this.countLow, this.countHigh);
    },
    countLow: 18,
    countHigh: 0,
    contents: null,
    ...changes,
  };
}

function print(name: FormatName, event: Event): string {
  return taken((out) => formats[name]().event(event, out));
}

const unknownEnd = { pid: -1, comm: null, guess: false };
const cases: [name: string, event: Event, text: string, json: string][] = [
  [
    "a pipe",
    event(),
    "12:34:56.123456789 pipe 123(sh) > 456(cat): pipe_name <anonymous>, pipe_inode 789, count 18\n",
    '{"src_pid":123,"src_comm":"sh","dst_pid":456,"dst_comm":"cat","type":"pipe",' +
      '"time":"2026-11-22T12:34:56.123456789+00:00",' +
      '"meta":{"pipe_name":"<anonymous>","pipe_inode":789,"count":18}}\n',
  ],
  [
    "contents as in the contract",
    event({ contents: contents("hello, world, hi!\n") }),
    "12:34:56.123456789 pipe 123(sh) > 456(cat): pipe_name <anonymous>, pipe_inode 789, count 18\n" +
      "\t00000000  68 65 6c 6c 6f 2c 20 77  6f 72 6c 64 2c 20 68 69  |hello, world, hi|\n" +
      "\t00000010  21 0a                                             |!.|\n",
    '{"src_pid":123,"src_comm":"sh","dst_pid":456,"dst_comm":"cat","type":"pipe",' +
      '"time":"2026-11-22T12:34:56.123456789+00:00",' +
      '"meta":{"pipe_name":"<anonymous>","pipe_inode":789,"count":18},"bytes":"aGVsbG8sIHdvcmxkLCBoaSEK"}\n',
  ],
  [
    "an unknown, guessed source and cut contents",
    event({ src: { ...unknownEnd, guess: true }, contents: contents("hi") }),
    "12:34:56.123456789 pipe -1(<unknown>) > 456(cat): pipe_name <anonymous>, pipe_inode 789, count 18, " +
      "captured 2, src_guess true\n" +
      "\t00000000  68 69                                             |hi|\n",
    '{"src_pid":-1,"src_comm":"<unknown>","dst_pid":456,"dst_comm":"cat","type":"pipe",' +
      '"time":"2026-11-22T12:34:56.123456789+00:00",' +
      '"meta":{"pipe_name":"<anonymous>","pipe_inode":789,"count":18,"captured":2,"src_guess":true},"bytes":"aGk="}\n',
  ],
  [
    "nothing captured of more than 2^32 bytes, destination guessed",
    event({
      dst: { pid: 4194304, comm: encoder.encode("(sd-pam)"), guess: true },
      countLow: 0,
      countHigh: 1,
      contents: contents(""),
      time: { seconds, nanoseconds: 7 },
    }),
    "12:34:56.000000007 pipe 123(sh) > 4194304((sd-pam)): pipe_name <anonymous>, pipe_inode 789, " +
      "count 4294967296, captured 0, dst_guess true\n",
    '{"src_pid":123,"src_comm":"sh","dst_pid":4194304,"dst_comm":"(sd-pam)","type":"pipe",' +
      '"time":"2026-11-22T12:34:56.000000007+00:00",' +
      '"meta":{"pipe_name":"<anonymous>","pipe_inode":789,"count":4294967296,"captured":0,"dst_guess":true},"bytes":""}\n',
  ],
  [
    "hostile names, no meta",
    event({
      kind: "signal",
      src: { pid: 1, comm: Uint8Array.of(0x1b, 0x5b, 0x22, 0xff), guess: false },
      dst: { pid: 2, comm: encoder.encode(""), guess: false },
      meta() {},
    }),
    '12:34:56.123456789 signal 1(\\x1b["\\xff) > 2()\n',
    '{"src_pid":1,"src_comm":"\\u001b[\\"\ufffd","dst_pid":2,"dst_comm":"","type":"signal",' +
      '"time":"2026-11-22T12:34:56.123456789+00:00","meta":{}}\n',
  ],
];

// bun test runs in UTC; other zones have processes of their own below.
describe("whole lines", () => {
  test.each(cases)("%s", (_, event, text, json) => {
    expect(print("text", event)).toBe(text);
    expect(print("json", event)).toBe(json);
  });

  test("lost", () => {
    const lost: Lost = { kind: "pipe", count: 17, reason: "ring_full", time: { seconds, nanoseconds: 0 } };
    const both = (["text", "json"] as const).map((name) => taken((out) => formats[name]().lost(lost, out)));
    expect(both).toEqual([
      "12:34:56.000000000 lost pipe: count 17, reason ring_full\n",
      '{"lost_type":"pipe","count":17,"reason":"ring_full","time":"2026-11-22T12:34:56.000000000+00:00"}\n',
    ]);
    const many: Lost = { ...lost, kind: "unknown", count: 2 ** 33 + 5, reason: "probe_missed" };
    expect(taken((out) => formats.text().lost(many, out))).toContain(
      "lost unknown: count 8589934597, reason probe_missed\n",
    );
  });
});

test("a format serves several outputs", () => {
  const format = formats.json();
  const twice = [taken((out) => format.event(event(), out)), taken((out) => format.event(event(), out))];
  expect(twice[0]).toBe(twice[1]!);
});

test("what a format remembers of earlier events changes no line", () => {
  const texts = ["a", "a", "b", "<anonymous>"].map((text) => encoder.encode(text));
  const comms = [null, ...["sh", "sh", "cat"].map((text) => encoder.encode(text))];
  const keys = [names.pipe, key("path", "text")];
  // a fixed sequence that repeats, alternates and collides
  let state = 1;
  const pick = <T>(all: readonly T[]): T => {
    state = (state * 48271) % 2147483647;
    return all[state % all.length]!;
  };
  for (const format of ["text", "json", "csv"] as const) {
    const kept = formats[format]();
    for (let i = 0; i < 3000; i++) {
      const [first, second] = [pick(keys), pick(keys)];
      const [value, other] = [pick(texts), pick(texts)];
      const made = event({
        kind: pick(["pipe", "unix-stream"] as const),
        src: { pid: pick([1, 2, 1025, -1]), comm: pick(comms), guess: pick([true, false]) },
        dst: { pid: pick([1, 33, 2]), comm: pick(comms), guess: false },
        meta(out: Meta) {
          out.text(first, value);
          out.integer(names.count, 18, 0);
          out.text(second, other);
        },
      });
      expect(taken((out) => kept.event(made, out))).toBe(print(format, made));
    }
  }
});

test("any names, paths and contents give one JSON line that says the same", () => {
  const format = formats.json();
  const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
  for (let round = 0; round < 3000; round++) {
    const [source, destination, path, bytes] = [16, 16, 300, 200].map((length) =>
      crypto.getRandomValues(new Uint8Array(Math.floor(Math.random() * length))),
    ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const line = taken((out) =>
      format.event(
        event({
          src: { pid: round, comm: source, guess: false },
          dst: { pid: -1, comm: destination, guess: false },
          meta: (meta) => meta.text(names.pipe, path),
          countLow: bytes.length,
          contents: contents(bytes),
        }),
        out,
      ),
    );
    expect(line.indexOf("\n")).toBe(line.length - 1);
    const parsed = JSON.parse(line);
    delete parsed.time;
    expect(parsed).toEqual({
      src_pid: round,
      src_comm: lenient.decode(source),
      dst_pid: -1,
      dst_comm: lenient.decode(destination),
      type: "pipe",
      meta: { pipe_name: lenient.decode(path) },
      bytes: Buffer.from(bytes).toString("base64"),
    });
  }
});

describe("an event of 20 MB comes in pieces", () => {
  const length = 20 * 1024 * 1024 + 5;
  const giant = event({
    contents: contents(Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 255)),
    countLow: length,
  });
  const carried = new Map([["pipe", "stream"]] as const);
  const limit = 16 * 1024 * 1024;

  test.each(["text", "json", "csv", "pcapng"] as const)("%s", (name) => {
    const [whole, out] = [new Output(), new Output()];
    out.isPiecewise = true;
    const pieces: Uint8Array[] = [];
    const take = () => {
      pieces.push(out.bytes.slice(0, out.length));
      out.clear();
    };
    const [all, some] = [formats[name]({ carried }), formats[name]({ carried })];
    for (const small of [event(), giant, giant, event()]) {
      all.event(small, whole);
      some.event(small, out);
      expect(out.isPartial).toBe(small === giant);
      take();
      while (out.more()) take();
    }
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(limit);
    expect(Buffer.concat(pieces).equals(whole.bytes.subarray(0, whole.length))).toBe(true);
  });

  test("what is written before it is all there stands behind it", () => {
    const out = new Output();
    out.isPiecewise = true;
    const json = formats.json();
    json.event(giant, out);
    json.event(event(), out);
    const lines = new TextDecoder().decode(out.bytes.subarray(0, out.length)).split("\n");
    expect(lines.length).toBe(3);
    expect(JSON.parse(lines[0]!).bytes.length).toBe(Math.ceil(length / 3) * 4);
    expect(JSON.parse(lines[1]!).meta.count).toBe(18);
  });
});
