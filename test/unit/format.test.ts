import { describe, expect, test } from "bun:test";
import { base64 } from "../../src/bytes/base64.ts";
import { hexdump } from "../../src/bytes/hexdump.ts";
import { literal, Output } from "../../src/bytes/output.ts";
import { type Event, key, type Lost, type Meta } from "../../src/event.ts";
import { type FormatName, formats } from "../../src/format/index.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const seconds = Date.UTC(2026, 10, 22, 12, 34, 56) / 1000;

function taken(write: (out: Output) => void): string {
  const out = new Output(0);
  write(out);
  return decoder.decode(out.bytes.subarray(0, out.length));
}

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

function contents(bytes: Uint8Array | string): Event["contents"] {
  const plain = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
  // Never at the start of its buffer: contents are views into the ring.
  const around = new Uint8Array(plain.length + 10).fill(0x58);
  around.set(plain, 7);
  return { bytes: around, start: 7, length: plain.length };
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

describe("numbers", () => {
  const decimal = (value: bigint) =>
    taken((out) => out.unsigned64(Number(value & 0xffffffffn), Number(value >> 32n)));

  test("64 bits at every edge", () => {
    const values = [0n, 0xffffffffffffffffn];
    for (let i = 0n; i < 20n; i++) values.push(10n ** i - 1n, 10n ** i, 10n ** i + 1n);
    for (let i = 0n; i < 64n; i++) values.push(2n ** i - 1n, 2n ** i, 2n ** i + 1n);
    for (const value of values) expect(decimal(value)).toBe(String(value));
  });

  test("64 bits at random", () => {
    const random = crypto.getRandomValues(new BigUint64Array(8000));
    random.forEach((value, i) => {
      const shifted = value >> BigInt(i % 64);
      if (decimal(shifted) !== String(shifted)) expect(decimal(shifted)).toBe(String(shifted));
    });
  });

  test("signed, and nine digits", () => {
    expect(
      taken((out) => {
        for (const n of [-1, -2147483648, 0, 7, 4294967295]) out.signed(n);
      }),
    ).toBe("-1-2147483648074294967295");
    expect(
      taken((out) => {
        for (const n of [0, 1, 99_999_999, 100_000_000, 999_999_999]) out.nine(n);
      }),
    ).toBe("000000000000000001099999999100000000999999999");
  });
});

test("an output grows without losing what it has, and lets giants go", () => {
  const out = new Output(0);
  let expected = "";
  for (let i = 0; i < 3000; i++) {
    out.literal(literal("ab".repeat(i % 9)));
    out.unsigned(i);
    out.copy(encoder.encode("xyz"), 1, 3);
    out.string("é");
    expected += `${"ab".repeat(i % 9)}${i}yzé`;
  }
  expect(decoder.decode(out.bytes.subarray(0, out.length))).toBe(expected);
  out.ensure(16 * 1024 * 1024);
  out.clear();
  expect(out.length).toBe(0);
  expect(out.bytes.length).toBeLessThan(1024 * 1024);
});

describe("contents", () => {
  /** hexdump -C by its specification, the slow way */
  function dump(bytes: Uint8Array): string {
    let rows = "";
    for (let offset = 0; offset < bytes.length; offset += 16) {
      const row = [...bytes.subarray(offset, offset + 16)];
      const hex = row.map((byte) => byte.toString(16).padStart(2, "0"));
      const shown = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "."));
      const columns = `${hex.slice(0, 8).join(" ")}  ${hex.slice(8).join(" ")}`.padEnd(48);
      rows += `\t${offset.toString(16).padStart(8, "0")}  ${columns}  |${shown.join("")}|\n`;
    }
    return rows;
  }

  const lengths = [...Array(50).keys(), 255, 256, 4096, 70_001];
  test.each(lengths)("%d bytes as a hex dump", (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 255);
    expect(taken((out) => hexdump(contents(bytes)!, out))).toBe(dump(bytes));
  });

  test.each([...lengths, 1023, 1024, 1025, 49_151, 49_152, 49_153, 98_305])(
    "%d bytes as base64",
    (length) => {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 255);
      const got = taken((out) => {
        out.string("before ");
        base64(contents(bytes)!, out);
        out.string(" after");
      });
      expect(got).toBe(`before ${Buffer.from(bytes).toString("base64")} after`);
    },
  );

  test("every byte value as a hex dump", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(taken((out) => hexdump(contents(bytes)!, out))).toBe(dump(bytes));
  });
});

describe("time zones", () => {
  const script = `
    const { LocalTime } = await import(${JSON.stringify(`${import.meta.dir}/../../src/format/time.ts`)});
    const { Output } = await import(${JSON.stringify(`${import.meta.dir}/../../src/bytes/output.ts`)});
    const clock = new LocalTime();
    for (const seconds of process.argv.slice(-3).map(Number)) {
      const out = new Output();
      clock.timestamp({ seconds, nanoseconds: 1 }, out);
      out.byte(32);
      clock.time({ seconds, nanoseconds: 999999999 }, out);
      console.write(new TextDecoder().decode(out.bytes.subarray(0, out.length)) + "\\n");
    }`;

  // The last second before summer time, the first of it, and one in winter again (2026).
  const zones: [zone: string, times: number[], lines: string[]][] = [
    [
      "Europe/Berlin",
      [1774745999, 1774746000, 1792890000],
      [
        "2026-03-29T01:59:59.000000001+01:00 01:59:59.999999999",
        "2026-03-29T03:00:00.000000001+02:00 03:00:00.999999999",
        "2026-10-25T02:00:00.000000001+01:00 02:00:00.999999999",
      ],
    ],
    [
      "America/St_Johns",
      [1772947799, 1772947800, 1795000000],
      [
        "2026-03-08T01:59:59.000000001-03:30 01:59:59.999999999",
        "2026-03-08T03:00:00.000000001-02:30 03:00:00.999999999",
        "2026-11-18T07:36:40.000000001-03:30 07:36:40.999999999",
      ],
    ],
    [
      "Asia/Kathmandu",
      [1700000000, 1700000001, 0],
      [
        "2023-11-15T03:58:20.000000001+05:45 03:58:20.999999999",
        "2023-11-15T03:58:21.000000001+05:45 03:58:21.999999999",
        "1970-01-01T05:30:00.000000001+05:30 05:30:00.999999999",
      ],
    ],
    [
      "UTC",
      [1700000000, 1709251199, 1709251200],
      [
        "2023-11-14T22:13:20.000000001+00:00 22:13:20.999999999",
        "2024-02-29T23:59:59.000000001+00:00 23:59:59.999999999",
        "2024-03-01T00:00:00.000000001+00:00 00:00:00.999999999",
      ],
    ],
  ];
  test.each(zones)("%s", (zone, times, lines) => {
    const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", script, ...times.map(String)], {
      env: { ...process.env, TZ: zone },
    });
    expect(stderr.toString()).toBe("");
    expect(stdout.toString().trimEnd().split("\n")).toEqual(lines);
  });
});
