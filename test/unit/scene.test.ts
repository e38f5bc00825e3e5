import { expect, setDefaultTimeout, test } from "bun:test";
import { Output } from "../../src/bytes/output.ts";
import { blankEvent, type Event, key } from "../../src/event.ts";
import { Json } from "../../src/format/json.ts";
import { Text } from "../../src/format/text.ts";
import { kinds } from "../../src/kinds/index.ts";
import { EventFlags, Kind, LoopbackRecord, RecordType, UnixRecord } from "../../src/layout.ts";
import { fromAnn, named, start, text, toBob } from "./drained.ts";
import { blank, type Tape } from "./tape.ts";

setDefaultTimeout(60_000);

const pipeCount = key("count", "integer");
const rows = Array.from({ length: 400 }, (_, i) => i);
const ends = { type: RecordType.RECORD_EVENT, ...fromAnn, ...toBob };
const traced = kinds.filter(({ name }) => ["pipe", "unix-stream", "loopback-tcp"].includes(name));

/** Every event of the tape: its lines by formats that remember scenes, and by those that are told of none. */
function lines(tape: Tape, change: (event: Event, i: number) => Event = (event) => event) {
  const { batch } = start(tape, { kinds: traced, alone: true });
  const [ours, truth]: [string[], string[]] = [[], []];
  const remembering = [new Text(), new Text({ isBrief: true }), new Json()];
  const event = blankEvent();
  batch.fill();
  batch.read(
    event,
    () => {},
    () => {
      const shown = change(event, ours.length);
      const write = (format: Text | Json, one: Event) => {
        const out = new Output();
        format.event(one, out);
        return text(out.bytes.subarray(0, out.length));
      };
      ours.push(remembering.map((format) => write(format, shown)).join(""));
      const forgetting = [new Text(), new Text({ isBrief: true }), new Json()];
      truth.push(forgetting.map((format) => write(format, { ...shown, scene: null })).join(""));
      return true;
    },
  );
  return { ours, truth };
}

/** Values that differ in one thing only, and come again. */
const values = (i: number) => ({
  first: i % 3,
  second: (i >> 1) % 5,
  third: (i >> 3) % 2,
  count: (i * 7919) % 70_000,
});

function pipes(): Tape {
  const tape = named();
  for (const i of rows) {
    const { first, second, third, count } = values(i);
    tape.pipe({ ...fromAnn, ...toBob, count, device: first, inodeLow: second, inodeHigh: third });
  }
  return tape;
}

test("pipes", () => {
  const { ours, truth } = lines(pipes());
  expect(ours).toEqual(truth);
  expect(new Set(ours).size).toBeGreaterThan(100);
});

test("pipes of which one end is a guess now and then", () => {
  const { ours, truth } = lines(pipes(), (event, i) => {
    event.dst.guess = i % 4 === 0;
    return event;
  });
  expect(ours).toEqual(truth);
  expect(ours.filter((line) => line.includes("dst_guess")).length).toBe(100);
});

test("events that were made of others", () => {
  const { ours, truth } = lines(pipes(), (event, i) =>
    i % 2 === 0 ? event : { ...event, meta: (out) => out.integer(pipeCount, i, 0) },
  );
  expect(ours).toEqual(truth);
});

test("unix sockets", () => {
  const tape = named();
  for (const i of rows) {
    const { first, second, third, count } = values(i);
    const fields = { kind: Kind.KIND_UNIX_STREAM, count, srcInodeLow: first, dstInodeLow: second + 10 };
    const flags = third === 0 ? 0 : EventFlags.SEND_BOUND;
    tape.raw(blank(UnixRecord, { ...ends, ...fields, dstInodeHigh: third, flags }));
  }
  const { ours, truth } = lines(tape);
  expect(ours).toEqual(truth);
  expect(ours.some((line) => line.includes("<unknown>"))).toBe(true);
});

test("TCP, also where addresses are translated", () => {
  const tape = named();
  for (const i of rows) {
    const { first, second, third, count } = values(i);
    const ports = { srcPort: 1000 + first, dstPort: 1000 + second, natPort: i % 5 === 0 ? first + 1 : 0 };
    const record = blank(LoopbackRecord, {
      ...ends,
      kind: Kind.KIND_LOOPBACK_TCP,
      count,
      dstInodeLow: third,
      ...ports,
    });
    record[LoopbackRecord.srcAddress.offset + 15] = 1 + second;
    record[LoopbackRecord.dstAddress.offset + 15] = 1 + third;
    record[LoopbackRecord.natAddress.offset + 15] = 1 + (i % 7);
    tape.raw(record);
  }
  const { ours, truth } = lines(tape);
  expect(ours).toEqual(truth);
  expect(ours.some((line) => line.includes("nat_addr"))).toBe(true);
});
