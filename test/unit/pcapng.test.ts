import { describe, expect, test } from "bun:test";
import { escapeText, unescapeText } from "../../src/bytes/escape.ts";
import { Output } from "../../src/bytes/output.ts";
import {
  type End,
  type Event,
  type Key,
  type Kind,
  key,
  type Lost,
  type Meta,
  type Time,
} from "../../src/event.ts";
import { Json } from "../../src/format/json.ts";
import { Pcapng } from "../../src/format/pcapng.ts";
import { Text } from "../../src/format/text.ts";
import { Block } from "../../src/pcapng/block.ts";
import { portOf } from "../../src/pcapng/ports.ts";
import { BlockReader, bytesOf, Damage, eachOption, type Read } from "../../src/pcapng/read.ts";
import { Recording } from "../../src/pcapng/recording.ts";
import { Stamp, timeOf } from "../../src/pcapng/time.ts";

const encoder = new TextEncoder();
const kinds: readonly Kind[] = [
  "pipe",
  "signal",
  "unix-stream",
  "unix-dgram",
  "loopback-tcp",
  "loopback-udp",
  "pty",
];
const start: Time = { seconds: 1_790_000_000, nanoseconds: 999_999_999 };

type Facts = readonly (readonly [name: string, value: string | number | bigint])[];

function end(pid: number, comm: string | Uint8Array | null, tag = 0): End {
  return { pid, comm: typeof comm === "string" ? encoder.encode(comm) : comm, guess: false, tag };
}

function event(
  kind: Kind,
  src: End,
  dst: End,
  facts: Facts,
  contents: Uint8Array | null,
  count?: number,
): Event {
  const size = count ?? contents?.length ?? 0;
  const members = facts.map(([name, value]): [Key, string | number | bigint] => [
    key(name, typeof value === "string" ? "text" : "integer", name === "path" || name.endsWith("_name")),
    value,
  ]);
  return {
    kind,
    time: { ...start },
    src,
    dst,
    meta(out: Meta) {
      for (const [name, value] of members) {
        if (typeof value === "string") out.text(name, encoder.encode(value));
        else out.integer(name, Number(BigInt(value) & 0xffff_ffffn), Number(BigInt(value) >> 32n));
      }
    },
    countLow: size >>> 0,
    countHigh: Math.floor(size / 2 ** 32),
    contents: contents === null ? null : { bytes: contents, start: 0, length: contents.length },
  };
}

function pipe(src: End, dst: End, contents: Uint8Array, name = "<anonymous>", count?: number): Event {
  const size = count ?? contents.length;
  return event(
    "pipe",
    src,
    dst,
    [
      ["pipe_name", name],
      ["pipe_inode", 77],
      ["count", size],
    ],
    contents,
    count,
  );
}

/** The file that a recording of these is. */
function record(events: readonly Event[], lost: readonly Lost[] = []): Uint8Array {
  const out = new Output();
  const format = new Pcapng(kinds);
  format.header(out);
  for (const one of events) format.event(one, out);
  for (const one of lost) format.lost(one, out);
  format.end(start, out);
  return out.bytes.slice(0, out.length);
}

function json(write: (format: Json, out: Output) => void): string[] {
  const out = new Output();
  write(new Json(), out);
  return new TextDecoder().decode(out.bytes.subarray(0, out.length)).split("\n").slice(0, -1);
}

/** Reads a file in pieces of some length, as JSON lines. @throws Damage */
function replay(file: Uint8Array, piece = file.length): { lines: string[]; foreign: number } {
  let foreign = 0;
  const lines = json((format, out) => {
    const reader = new BlockReader();
    const recording = new Recording(new Set(kinds), {
      event: (one) => format.event(one, out),
      lost: (one) => format.lost(one, out),
    });
    for (let at = 0; at < file.length; at += piece) {
      reader.add(file.subarray(at, at + piece));
      for (let block = reader.next(); block !== null; block = reader.next()) recording.add(block);
    }
    reader.finish();
    recording.finish();
    foreign = recording.foreign;
  });
  return { lines, foreign };
}

function blocks(file: Uint8Array): Read[] {
  const reader = new BlockReader();
  reader.add(file);
  const all: Read[] = [];
  for (let block = reader.next(); block !== null; block = reader.next()) all.push(block);
  return all;
}

/** What IPv6 and TCP headers of a packet say. */
function packet(block: Read) {
  const { body } = block;
  const captured = body.getUint32(12, true);
  return {
    source: bytesOf(block, 20 + 8, 16).toHex(),
    destination: bytesOf(block, 20 + 24, 16).toHex(),
    ports: [body.getUint16(60), body.getUint16(62)],
    sequence: body.getUint32(64),
    captured: captured - 60,
    claimed: body.getUint16(24) - 20,
  };
}

const packets = (file: Uint8Array) =>
  blocks(file)
    .filter(({ type }) => type === Block.PACKET)
    .map(packet);

/** A seeded generator: a failing round says its number. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const hostile = [
  "a) > 5(b",
  "x): pipe_na",
  "q) > 1(r): co",
  "é\u202e",
  "\\x41",
  "(sd-pam)",
  "a, b",
  "<unknown",
  "",
];
const paths = [
  "<anonymous>",
  "/tmp/a, pipe_inode 5, count 3",
  "/tmp/x, src_guess true",
  "/tmp/\\x2c \\",
  "/tmp/new\nline): count 1",
  "@abstract@@name",
];

function randomEvents(seed: number, count: number): Event[] {
  const any = generator(seed);
  const pick = <T>(all: readonly T[]): T => all[any(all.length)]!;
  const raw = () => Uint8Array.from({ length: any(16) }, () => 1 + any(255));
  const one = () =>
    any(8) === 0 ? end(-1, null) : end(1 + any(5), any(4) === 0 ? raw() : pick(hostile), 1 + any(3));
  const contents = () => Uint8Array.from({ length: any(40) }, () => any(256));
  return Array.from({ length: count }, (_, i) => {
    const bytes = contents();
    const size = bytes.length + (any(5) === 0 ? any(100) : 0);
    const [src, dst] = [one(), one()];
    src.guess = any(9) === 0;
    dst.guess = any(9) === 0;
    const inode = 2n ** 53n + BigInt(any(4));
    const facts: Readonly<Partial<Record<Kind, Facts>>> = {
      pipe: [
        ["pipe_name", pick(paths)],
        ["pipe_inode", inode],
        ["count", size],
      ],
      "unix-stream": [
        ["path", pick(paths)],
        ["count", size],
        ["src_inode", 1 + any(4)],
        ["dst_inode", any(4)],
      ],
      "unix-dgram": [
        ["path", pick(paths)],
        ["count", size],
        ["src_inode", 1 + any(4)],
        ["dst_inode", any(4)],
      ],
      "loopback-tcp": [
        ...([
          ["src_addr", pick(["127.0.0.1", "::1", "fe80::1:0:2"])],
          ["src_port", any(65536)],
        ] as const),
        ...([
          ["src_serv", "a/tcp"],
          ["dst_addr", "::1"],
          ["dst_port", any(65536)],
          ["dst_serv", "http"],
        ] as const),
        ...([
          ["dst_inode", any(9)],
          ["count", size],
        ] as const),
      ],
      pty: [
        ["tty_name", "pts/3"],
        ["dst_sid", any(99)],
        ["count", size],
      ],
    };
    const kind = pick(["pipe", "signal", "unix-stream", "unix-dgram", "loopback-tcp", "pty"] as const);
    const made =
      kind === "signal"
        ? event(
            kind,
            src,
            dst,
            [
              ["num", 9],
              ["name", "SIGKILL"],
            ],
            null,
          )
        : event(kind, src, dst, facts[kind] ?? [], bytes, size);
    made.time = { seconds: start.seconds + i, nanoseconds: any(1e9) };
    return made;
  });
}

describe("a recording read back", () => {
  test.each([1, 2, 3, 4, 5, 6])("is the same events, whatever their names (seed %d)", (seed) => {
    const events = randomEvents(seed, 200);
    const wanted = json((format, out) => {
      for (const one of events) format.event(one, out);
    });
    const file = record(events);
    expect(replay(file)).toEqual({ lines: wanted, foreign: 0 });
    expect(replay(file, 1 + seed * 7)).toEqual({ lines: wanted, foreign: 0 });
  });

  test("has its losses", () => {
    const lost: Lost[] = [
      {
        kind: "pipe",
        count: 17,
        reason: "ring_full",
        time: { seconds: 1_790_000_001, nanoseconds: 123_456_789 },
      },
      { kind: "unknown", count: 2 ** 40, reason: "probe_missed", time: start },
    ];
    const wanted = json((format, out) => {
      for (const one of lost) format.lost(one, out);
    });
    expect(replay(record([], lost)).lines).toEqual(wanted);
  });

  test("of an event in several packets is one event", () => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i * 7);
    const long = pipe(end(1, "a"), end(2, "b"), bytes);
    const short = pipe(end(1, "a"), end(2, "b"), Uint8Array.of(1, 2, 3));
    const wanted = json((format, out) => {
      for (const one of [long, short, short]) format.event(one, out);
    });
    const file = record([long, short, short]);
    expect(replay(file, 4096).lines).toEqual(wanted);
    expect(packets(file).map(({ sequence }) => sequence)).toEqual([
      1, 60_001, 120_001, 180_001, 200_001, 200_004,
    ]);
  });

  test("ends with what is whole, wherever it is cut", () => {
    const file = record(randomEvents(7, 6));
    const all = replay(file).lines;
    for (let length = 0; length < file.length; length++) {
      const reader = new BlockReader();
      let events = 0;
      const recording = new Recording(new Set(kinds), { event: () => events++, lost: () => {} });
      reader.add(file.subarray(0, length));
      for (let block = reader.next(); block !== null; block = reader.next()) recording.add(block);
      recording.finish();
      expect(events).toBeLessThanOrEqual(all.length);
      try {
        reader.finish();
      } catch (error) {
        expect(error).toBeInstanceOf(Damage);
        expect((error as Damage).offset).toBeLessThanOrEqual(length);
      }
    }
  });

  test("that is damaged at random is read or refused, never anything else", () => {
    const any = generator(11);
    const file = record(randomEvents(8, 30));
    let refused = 0;
    for (let round = 0; round < 1000; round++) {
      const damaged = file.slice();
      for (let n = 1 + any(4); n > 0; n--) damaged[any(damaged.length)] = any(256);
      try {
        replay(damaged, 997);
      } catch (error) {
        expect([round, error instanceof Damage || error]).toEqual([round, true]);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(30);
  });

  test("of other programs' packets has none, and they are counted", () => {
    const file = record([pipe(end(1, "a"), end(2, "b"), Uint8Array.of(1))]);
    const [one] = blocks(file).filter(({ type }) => type === Block.PACKET);
    let comment = 0;
    eachOption(one!, 20 + 64, (code, at) => {
      if (code === 1) comment = one!.body.byteOffset + at;
    });
    file[comment] = 0x50; // no kind is called Pipe
    expect(replay(file)).toEqual({ lines: [], foreign: 1 });
  });
});

describe("a line has one meaning", () => {
  test("names and paths can't forge what stands behind them", () => {
    const out = new Output();
    const forged = pipe(end(1, "a) > 5(b): c"), end(2, "d"), Uint8Array.of(1), "/x, pipe_inode 5, count 3");
    forged.contents = null;
    new Text(false).event(forged, out);
    const line = new TextDecoder().decode(out.bytes.subarray(0, out.length));
    expect(line.slice(line.indexOf(" "))).toBe(
      " pipe 1(a\\x29 > 5(b\\x29: c) > 2(d): pipe_name /x\\x2c pipe_inode 5\\x2c count 3, pipe_inode 77, count 1\n",
    );
  });

  test("what was escaped is found again", () => {
    const any = generator(5);
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from({ length: any(30) }, () => any(256));
      const out = new Output();
      escapeText(bytes, 0, bytes.length, out, round % 2 === 0 ? 0x2c : 0x29);
      expect(unescapeText(out.bytes, 0, out.length)).toEqual(bytes);
    }
    for (const wrong of ["\\", "\\x", "\\x4", "\\xzz", "\\n"]) {
      const bytes = encoder.encode(wrong);
      expect([wrong, unescapeText(bytes, 0, bytes.length)]).toEqual([wrong, null]);
    }
  });
});

describe("packets", () => {
  test("no two processes have one address, and a process keeps its own", () => {
    const one = Uint8Array.of(1);
    const file = record([
      pipe(end(1, "a", 11), end(2, "b", 12), one),
      pipe(end(1, "a", 11), end(2, "b", 12), one),
      pipe(end(1, "a", 99), end(2, "b", 12), one), // another process 1 of that name
      pipe(end(1, "c", 11), end(2, "b", 0), one), // it has called exec; the other was found in /proc
      pipe(end(-1, null), end(2, "b", 12), one),
      pipe(end(3, "c", 4), end(-1, null), one),
    ]);
    const found = packets(file);
    const sources = found.map(({ source }) => source);
    expect(new Set(sources).size).toBe(5);
    expect(sources[0]).toBe(sources[1]!);
    const [b] = found.map(({ destination }) => destination);
    expect(found.slice(0, 5).every(({ destination }) => destination === b)).toBe(true);
    expect(found[5]?.destination).not.toBe(b);
    expect(sources).not.toContain(found[5]!.destination);
  });

  test("what was not captured leaves a gap that the sequence shows", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const file = record([
      pipe(end(1, "a"), end(2, "b"), bytes, "f", 100_000),
      pipe(end(1, "a"), end(2, "b"), bytes, "f"),
    ]);
    expect(packets(file).map(({ sequence, captured, claimed }) => [sequence, captured, claimed])).toEqual([
      [1, 3, 65_000],
      [100_001, 3, 3],
    ]);
  });

  test("both directions of a connection are one, with the port of what is spoken there", () => {
    const path = "/run/postgresql/.s.PGSQL.5432";
    const unix = (src: End, dst: End, from: number, to: number) =>
      event(
        "unix-stream",
        src,
        dst,
        [
          ["path", path],
          ["count", 1],
          ["src_inode", from],
          ["dst_inode", to],
        ],
        Uint8Array.of(1),
      );
    const [client, server] = [end(1, "psql", 1), end(2, "postgres", 1)];
    const file = record([
      unix(client, server, 10, 0),
      unix(server, client, 11, 10),
      unix(client, server, 10, 11),
      unix(server, end(3, "psql", 1), 21, 20), // traced from the middle on
    ]);
    const [first, answer, second, other] = packets(file).map(({ ports }) => ports);
    expect(first?.[1]).toBe(5432);
    expect(answer).toEqual([...first!].reverse());
    expect(second).toEqual(first!);
    expect(other?.[0]).toBe(5432);
    expect(packets(file).map(({ sequence }) => sequence)).toEqual([1, 1, 2, 1]);
  });

  test("ports of well-known paths", () => {
    const ports: Readonly<Record<string, number>> = {
      "/var/run/docker.sock": 80,
      "/run/redis/redis-server.sock": 6379,
      "/run/mysqld/mysqld.sock": 3306,
      "@/tmp/.X11-unix/X2": 6002,
      "/run/dbus/system_bus_socket": 55_555,
      "/run/user/1000/bus": 55_555,
      "/dev/log": 514,
      "/tmp/mine": 0,
      "<anonymous>": 0,
    };
    for (const [path, port] of Object.entries(ports)) expect([path, portOf(path)]).toEqual([path, port]);
  });

  test("times are exact", () => {
    const any = generator(3);
    const stamp = new Stamp();
    for (let round = 0; round < 5000; round++) {
      const time = { seconds: any(2 ** 32), nanoseconds: any(1e9) };
      stamp.set(time);
      const whole = (BigInt(stamp.high) << 32n) | BigInt(stamp.low);
      expect(whole).toBe(BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanoseconds));
      const back = { seconds: 0, nanoseconds: 0 };
      timeOf(stamp.high, stamp.low, 1e9, back);
      expect(back).toEqual(time);
    }
  });
});
