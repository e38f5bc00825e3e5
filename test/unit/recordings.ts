/** Recordings made by hand, and what is read from them. */
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
import { kinds as modules } from "../../src/kinds/index.ts";
import { Block } from "../../src/pcapng/block.ts";
import { BlockReader, bytesOf, type Read } from "../../src/pcapng/read.ts";
import { Recording } from "../../src/pcapng/recording.ts";

const encoder = new TextEncoder();
export const kinds: readonly Kind[] = modules.map(({ name }) => name);
/** by each kind */
export const carried = new Map(modules.map(({ name, carries }) => [name, carries]));
export const start: Time = { seconds: 1_790_000_000, nanoseconds: 999_999_999 };

type Facts = readonly (readonly [name: string, value: string | number | bigint])[];

export function end(pid: number, comm: string | Uint8Array | null, tag = 0): End {
  return { pid, comm: typeof comm === "string" ? encoder.encode(comm) : comm, guess: false, tag };
}

export function event(
  kind: Kind,
  src: End,
  dst: End,
  facts: Facts,
  contents: Uint8Array | null,
  count?: number,
): Event {
  const size = count ?? contents?.length ?? 0;
  const members = facts.map(([name, value]): [Key, Uint8Array | number | bigint] => [
    key(name, typeof value === "string" ? "text" : "integer", name === "path" || name.endsWith("_name")),
    typeof value === "string" ? encoder.encode(value) : value,
  ]);
  return {
    kind,
    time: { ...start },
    src,
    dst,
    meta(out: Meta) {
      for (const [name, value] of members) {
        if (value instanceof Uint8Array) out.text(name, value);
        else out.integer(name, Number(BigInt(value) & 0xffff_ffffn), Number(BigInt(value) >> 32n));
      }
    },
    countLow: size >>> 0,
    countHigh: Math.floor(size / 2 ** 32),
    contents: contents === null ? null : { bytes: contents, start: 0, length: contents.length },
  };
}

export function pipe(src: End, dst: End, contents: Uint8Array, name = "<anonymous>", count?: number): Event {
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

/** @param inodes of the sender's socket and the receiver's */
export function unixStream(
  path: string,
  src: End,
  dst: End,
  [from, to]: readonly [number, number],
  contents: Uint8Array,
): Event {
  const facts: Facts = [
    ["path", path],
    ["count", contents.length],
    ["src_inode", from],
    ["dst_inode", to],
  ];
  return event("unix-stream", src, dst, facts, contents);
}

/** The file that a recording of these is. */
export function record(events: readonly Event[], lost: readonly Lost[] = []): Uint8Array {
  const out = new Output();
  const format = new Pcapng(carried);
  format.header(out);
  for (const one of events) format.event(one, out);
  for (const one of lost) format.lost(one, out);
  format.end(start, out);
  return out.bytes.slice(0, out.length);
}

export function json(write: (format: Json, out: Output) => void): string[] {
  const out = new Output();
  write(new Json(), out);
  return new TextDecoder().decode(out.bytes.subarray(0, out.length)).split("\n").slice(0, -1);
}

/** Reads a file in pieces of some length, as JSON lines. @throws Damage */
export function replay(file: Uint8Array, piece = file.length): { lines: string[]; foreign: number } {
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

export function blocks(file: Uint8Array): Read[] {
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

export const packets = (file: Uint8Array) =>
  blocks(file)
    .filter(({ type }) => type === Block.PACKET)
    .map(packet);

/** A seeded generator: a failing round says its number. */
export function generator(seed: number): (below: number) => number {
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

export function randomEvents(seed: number, count: number): Event[] {
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
    const unix: Facts = [
      ["path", pick(paths)],
      ["count", size],
      ["src_inode", 1 + any(4)],
      ["dst_inode", any(4)],
    ];
    const loopback: Facts = [
      ["src_addr", pick(["127.0.0.1", "::1", "fe80::1:0:2"])],
      ["src_port", any(65536)],
      ["src_serv", "a/tcp"],
      ["dst_addr", "::1"],
      ["dst_port", any(65536)],
      ["dst_serv", "http"],
      ["dst_inode", any(9)],
      ["count", size],
    ];
    const facts: Readonly<Partial<Record<Kind, Facts>>> = {
      pipe: [
        ["pipe_name", pick(paths)],
        ["pipe_inode", inode],
        ["count", size],
      ],
      signal: [
        ["num", 9],
        ["name", "SIGKILL"],
      ],
      "unix-stream": unix,
      "unix-dgram": [...unix, ["src_path", pick(paths)]],
      "unix-seqpacket": unix,
      "loopback-tcp": loopback,
      "loopback-udp": loopback,
      pty: [
        ["tty_name", "pts/3"],
        ["dst_sid", any(99)],
        ["count", size],
      ],
      mq: [
        ["mq_name", pick(paths)],
        ["priority", any(9)],
        ["count", size],
      ],
      "sysv-mq": [
        ["key", any(9)],
        ["id", any(9)],
        ["mtype", 2n ** 63n + BigInt(any(9))],
        ["count", size],
      ],
    };
    const kind = pick(kinds);
    const isMessage = kind !== "signal";
    const made = event(kind, src, dst, facts[kind] ?? [], isMessage ? bytes : null, isMessage ? size : 0);
    made.time = { seconds: start.seconds + i, nanoseconds: any(1e9) };
    return made;
  });
}
