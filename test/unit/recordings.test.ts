/** Recordings as other programs may write them again: in the other byte order, with coarser times. */
import { describe, expect, test } from "bun:test";
import { Block, byteOrderMagic, Option } from "../../src/pcapng/block.ts";
import type { Read } from "../../src/pcapng/read.ts";
import { timeOf } from "../../src/pcapng/time.ts";
import { blocks, randomEvents, record, replay } from "./recordings.ts";

interface Written {
  isLittle: boolean;
  /** times are in units of 10^-power seconds; null leaves the option out, which means 6 */
  power: number | null;
}

/** The same file, every number in it written anew. */
function rewritten(file: Uint8Array, { isLittle, power }: Written): Uint8Array {
  const made: Uint8Array[] = [];
  for (const block of blocks(file)) {
    const body = bodyOf(block, isLittle, power);
    const whole = new Uint8Array(body.length + 12);
    const view = new DataView(whole.buffer);
    view.setUint32(0, block.type, isLittle);
    view.setUint32(4, whole.length, isLittle);
    whole.set(body, 8);
    view.setUint32(whole.length - 4, whole.length, isLittle);
    made.push(whole);
  }
  return new Uint8Array(Buffer.concat(made));
}

function bodyOf({ type, body }: Read, isLittle: boolean, power: number | null): Uint8Array {
  const bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  const view = new DataView(bytes.buffer);
  const half = (at: number) => view.setUint16(at, body.getUint16(at, true), isLittle);
  const word = (at: number) => view.setUint32(at, body.getUint32(at, true), isLittle);
  const time = (at: number) => {
    const nanoseconds = (BigInt(body.getUint32(at, true)) << 32n) | BigInt(body.getUint32(at + 4, true));
    const units = nanoseconds / 10n ** BigInt(9 - (power ?? 6));
    view.setUint32(at, Number(units >> 32n), isLittle);
    view.setUint32(at + 4, Number(units & 0xffff_ffffn), isLittle);
  };
  let options = body.byteLength;
  if (type === Block.SECTION) {
    view.setUint32(0, byteOrderMagic, isLittle);
    for (const at of [4, 6]) half(at);
    options = 16;
  } else if (type === Block.INTERFACE) {
    for (const at of [0, 2]) half(at);
    word(4);
    options = 8;
  } else if (type === Block.PACKET) {
    for (const at of [0, 12, 16]) word(at);
    time(4);
    options = 20 + Math.ceil(body.getUint32(12, true) / 4) * 4;
  } else if (type === Block.STATISTICS) {
    word(0);
    time(4);
    options = 12;
  } else if (type === Block.NAMES) {
    for (const at of [0, 2]) half(at);
  }
  for (let at = options; at + 4 <= body.byteLength; ) {
    const [code, length] = [body.getUint16(at, true), body.getUint16(at + 2, true)];
    half(at);
    half(at + 2);
    const isCount =
      (type === Block.PACKET && (code === Option.PACKET_ID || code === Option.PACKET_DROPS)) ||
      (type === Block.STATISTICS && code >= Option.STATISTICS_RECEIVED);
    if (isCount) view.setBigUint64(at + 4, body.getBigUint64(at + 4, true), isLittle);
    else if (type === Block.PACKET && code === Option.PACKET_PROCESS) for (const n of [4, 8]) word(at + n);
    else if (type === Block.STATISTICS && code !== Option.END) time(at + 4);
    else if (type === Block.INTERFACE && code === Option.INTERFACE_RESOLUTION) {
      // a code that nobody knows hides it
      if (power === null) view.setUint16(at, 0x7ff0, isLittle);
      else bytes[at + 4] = power;
    }
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return bytes;
}

const coarser = (line: string, digits: number) =>
  line.replace(/(\.\d{9})\+/, (_, fraction: string) => `${fraction.slice(0, digits + 1).padEnd(10, "0")}+`);

describe("a recording written anew", () => {
  const file = record(randomEvents(3, 300));
  const { lines } = replay(file);

  test("is the one it was, when nothing is changed", () => {
    expect(rewritten(file, { isLittle: true, power: 9 })).toEqual(file);
  });

  test("with big-endian numbers is the same events", () => {
    const big = rewritten(file, { isLittle: false, power: 9 });
    expect(big).not.toEqual(file);
    expect(replay(big)).toEqual({ lines, foreign: 0 });
  });

  test.each([
    [6, 6],
    [null, 6],
    [3, 3],
    [0, 0],
  ])("with times of 10^-%p seconds has those", (power, digits) => {
    const signal = (line: string) => line.includes('"type":"signal"'); // journal entries have times of their own
    const found = replay(rewritten(file, { isLittle: true, power }));
    expect(found.foreign).toBe(0);
    expect(found.lines).toEqual(lines.map((line) => (signal(line) ? line : coarser(line, digits))));
  });

  test("behind another one, in the other byte order, is both", () => {
    const both = Buffer.concat([file, rewritten(file, { isLittle: false, power: 6 })]);
    const { lines: found, foreign } = replay(new Uint8Array(both));
    expect(foreign).toBe(0);
    expect(found.slice(0, lines.length)).toEqual(lines);
    expect(found).toHaveLength(2 * lines.length);
  });
});

test("times of 2^-20 seconds", () => {
  const time = { seconds: 0, nanoseconds: 0 };
  const units = (1_790_000_000n << 20n) + 786_432n; // three quarters of 2^20
  timeOf(Number(units >> 32n), Number(units & 0xffff_ffffn), 2 ** 20, time);
  expect(time).toEqual({ seconds: 1_790_000_000, nanoseconds: 750_000_000 });
});
