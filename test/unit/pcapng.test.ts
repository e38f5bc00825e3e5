import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { escapeText, unescapeText } from "../../src/bytes/escape.ts";
import { Output } from "../../src/bytes/output.ts";
import type { End, Lost } from "../../src/event.ts";
import { Pcapng } from "../../src/format/pcapng.ts";
import { Text } from "../../src/format/text.ts";
import { Block } from "../../src/pcapng/block.ts";
import { portOf } from "../../src/pcapng/ports.ts";
import { BlockReader, Damage, eachOption } from "../../src/pcapng/read.ts";
import { Recording } from "../../src/pcapng/recording.ts";
import { Stamp, timeOf } from "../../src/pcapng/time.ts";
import {
  blocks,
  carried,
  end,
  generator,
  json,
  kinds,
  packets,
  pipe,
  randomEvents,
  record,
  replay,
  start,
  unixStream,
} from "./recordings.ts";

// thousands of damaged files take their time on a busy machine
setDefaultTimeout(60_000);

const encoder = new TextEncoder();

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

  test("whose blocks are cut, doubled, left out or put elsewhere is read or refused, and never grows", () => {
    const any = generator(17);
    const file = record(randomEvents(9, 40));
    const whole = blocks(file).map(({ body, offset }) =>
      file.subarray(offset, offset + body.byteLength + 12),
    );
    for (let round = 0; round < 200; round++) {
      const parts = [...whole];
      for (let n = 1 + any(6); n > 0; n--) {
        const at = any(parts.length);
        const one = parts[at]!.slice();
        const what = any(5);
        if (what === 0) parts.splice(at, 1);
        else if (what === 1) parts.splice(any(parts.length), 0, one);
        else if (what === 2) parts[at] = parts[any(parts.length)]!;
        else if (what === 3) parts[at] = one.subarray(0, any(one.length));
        else if (one.length >= 4)
          new DataView(one.buffer).setUint32(4 * any(one.length >> 2), any(2 ** 32), any(2) === 0);
        if (what === 4) parts[at] = one;
      }
      try {
        const { lines } = replay(new Uint8Array(Buffer.concat(parts)), 1 + any(5000));
        expect(lines.length).toBeLessThanOrEqual(parts.length);
      } catch (error) {
        expect([round, error instanceof Damage || error]).toEqual([round, true]);
      }
    }
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
    new Text().event(forged, out);
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

  test("where events were lost each stream that they may have been of has a gap", () => {
    const out = new Output();
    const format = new Pcapng(carried);
    format.header(out);
    const [a, b] = [end(1, "a", 1), end(2, "b", 2)];
    const one = Uint8Array.of(1);
    const say = () => {
      format.event(pipe(a, b, one, "f"), out);
      format.event(unixStream("/tmp/x", a, b, [10, 11], one), out);
    };
    const lose = (kind: Lost["kind"]) =>
      format.lost({ kind, count: 3, reason: "ring_full", time: start }, out);
    say();
    lose("pipe");
    say();
    lose("unknown");
    lose("signal");
    say();
    say();
    const sequences = packets(out.bytes.slice(0, out.length)).map(({ sequence }) => sequence);
    expect(sequences.filter((_, i) => i % 2 === 0)).toEqual([1, 3, 5, 6]);
    expect(sequences.filter((_, i) => i % 2 === 1)).toEqual([1, 2, 4, 5]);
  });

  test("both directions of a connection are one, with the port of what is spoken there", () => {
    const path = "/run/postgresql/.s.PGSQL.5432";
    const unix = (src: End, dst: End, from: number, to: number) =>
      unixStream(path, src, dst, [from, to], Uint8Array.of(1));
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
      "/run/mysqld/mysqlx.sock": 33_060,
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
