import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { kinds as all } from "../../src/kinds/index.ts";
import {
  AddressRecord,
  ChunkRecord,
  EventRecord,
  ForkRecord,
  Kind,
  NameRecord,
  PathRecord,
  PipeRecord,
  RecordType,
  RunsRecord,
  UseRecord,
} from "../../src/layout.ts";
import { ann, drain, fromAnn, named, pipe, signal, start, text, toBob } from "./drained.ts";
import { Tape } from "./tape.ts";

/** A machine may have a lot else to do. */
setDefaultTimeout(30_000);

describe("what can't be right is rejected", () => {
  const types = Object.values(RecordType);
  /** bytes a record has at least */
  const least: Record<number, number> = {
    [RecordType.RECORD_NAME]: NameRecord.size,
    [RecordType.RECORD_PATH]: PathRecord.data.offset,
    [RecordType.RECORD_EVENT]: EventRecord.size,
    [RecordType.RECORD_RUNS]: RunsRecord.run.offset,
    [RecordType.RECORD_CHUNK]: ChunkRecord.data.offset,
    [RecordType.RECORD_USE]: UseRecord.size,
    [RecordType.RECORD_ADDRESS]: AddressRecord.size,
  };

  test("every type that is short", () => {
    for (const type of types) {
      for (let length = 0; length < least[type]!; length++) {
        const tape = new Tape(1 << 14);
        const record = new Uint8Array(least[type]!);
        record[0] = type;
        tape.raw(record.subarray(0, length));
        const decoder = start(tape);
        expect([type, length, drain(decoder).length, decoder.batch.rejected]).toEqual([type, length, 0, 1]);
      }
    }
  });

  test("events that are shorter than their kind's, or of none that is traced", () => {
    for (const [kind, size] of [
      [Kind.KIND_PIPE, pipe.size - 4],
      [Kind.KIND_SIGNAL, signal.size - 4],
      [Kind.KIND_UNKNOWN, 256],
      [16, 256],
      [2 ** 32 - 1, 256],
    ] as const) {
      const tape = new Tape(1 << 14);
      tape.pipe({ kind });
      const short = tape.bytes.slice(0, size);
      const other = new Tape(1 << 14);
      other.raw(short);
      const decoder = start(other);
      expect([kind, drain(decoder).length, decoder.batch.rejected]).toEqual([kind, 0, 1]);
    }
  });

  test("unknown types", () => {
    for (const type of [0, Math.max(...types) + 1, 255, 2 ** 31, 2 ** 32 - 1]) {
      const tape = new Tape(1 << 14);
      const record = new Uint8Array(PipeRecord.size);
      new DataView(record.buffer).setUint32(0, type, true);
      tape.raw(record);
      const decoder = start(tape);
      expect([drain(decoder).length, decoder.batch.rejected]).toEqual([0, 1]);
    }
  });

  test("runs that are fewer than promised: no event rather than a wrong writer", () => {
    const tape = named();
    tape.pipe({ ...fromAnn, ...toBob, thread: 1, count: 6, runs: 3 });
    tape.runs(1, [{ ...ann, bytes: 3 }]);
    tape.signal({ ...fromAnn, ...toBob, number: 1 });
    const decoder = start(tape);
    expect(drain(decoder).map(({ kind }) => kind)).toEqual(["signal"]);
    expect(decoder.batch.rejected).toBe(1);
  });

  test("a chunk out of order ends the contents, never joined across the gap", () => {
    const tape = named();
    tape.pipe({ ...fromAnn, ...toBob, thread: 1, count: 9, captured: 9 });
    tape.chunk(1, 0, "aaa");
    tape.chunk(1, 6, "ccc");
    const decoder = start(tape);
    expect(drain(decoder).map(({ contents }) => contents)).toEqual(["aaa"]);
    expect(decoder.batch.rejected).toBe(1);
  });

  test("a length beyond the record", () => {
    const tape = named();
    const record = new Uint8Array(ChunkRecord.data.offset + 4);
    new Uint32Array(record.buffer).set([RecordType.RECORD_CHUNK, 1, 0, 100]);
    tape.pipe({ ...fromAnn, ...toBob, thread: 1, count: 100, captured: 100 });
    tape.raw(record);
    const decoder = start(tape);
    expect(drain(decoder).map(({ contents }) => contents)).toEqual([""]);
    expect(decoder.batch.rejected).toBe(1);
  });

  test("parts of nobody's event are passed over", () => {
    const tape = named();
    tape.chunk(5, 0, "lost");
    tape.runs(5, [{ ...ann, bytes: 1 }]);
    expect(drain(start(tape))).toEqual([]);
    expect(tape.isRead).toBe(true);
  });

  test("random bytes neither throw nor show what is beyond them", () => {
    const random = generator(20_240_601);
    const mark = 0xee; // fills what no record owns
    for (let round = 0; round < 300; round++) {
      const tape = new Tape(1 << 16);
      tape.bytes.fill(mark);
      let owned = 0;
      while (owned < 30_000) {
        const record = Uint8Array.from({ length: random() % 400 }, () => random() % 8);
        // mostly of a known type, small numbers, few threads: what passes the first checks
        const view = new DataView(record.buffer);
        if (record.length >= 8 && random() % 8 > 0) {
          for (let at = 0; at + 4 <= record.length; at += 4) {
            view.setUint32(at, random() % 3 > 0 ? random() % 5 : random(), true);
          }
          view.setUint32(0, random() % 8, true);
        }
        tape.raw(record);
        owned += record.length + 8;
      }
      const decoder = start(tape);
      for (let drains = 0; drains < 50; drains++) {
        const seen = drain(decoder);
        for (const { contents } of seen)
          expect(contents ?? "").not.toContain(text(Uint8Array.of(mark, mark)));
        if (seen.length === 0) break;
      }
      expect(decoder.batch.rejected).toBeGreaterThan(0);
    }
  });

  test("records of every kind with something wrong in them: no throw, and nothing of what lies beside them", () => {
    const random = generator(20_261_123);
    const mark = 0x7e; // in no record
    const layouts = [NameRecord, PathRecord, UseRecord, AddressRecord, ForkRecord, RunsRecord, ChunkRecord];
    const sizes = new Map<number, number>([
      ...all.map(({ id, size }) => [id, size] as const),
      ...layouts.map((layout, i) => [100 + i, Math.min(layout.size, 600)] as const),
    ]);
    const kindWord = wordOfKind();
    let records = 0;
    for (let round = 0; round < 120; round++) {
      const tape = new Tape(1 << 18);
      tape.bytes.fill(mark);
      for (let n = 0; n < 400; n++, records++) {
        const ids = [...sizes.keys()];
        const id = ids[random() % ids.length]!;
        const record = new Uint8Array(sizes.get(id)!);
        const words = new Uint32Array(record.buffer, 0, record.length >> 2);
        words[0] = id < 100 ? RecordType.RECORD_EVENT : random() % 10;
        words[1] = random() % 3; // few threads: parts find their events
        if (id < 100) words[kindWord] = id;
        // numbers that are small, huge or just wrong; then some are cut
        for (let i = random() % 6; i > 0; i--) {
          const small = random() % 2 === 0;
          words[2 + (random() % (words.length - 2))] = small ? random() % 70 : random();
        }
        for (const [at, byte] of record.entries()) if (byte === mark) record[at] = 0;
        tape.raw(random() % 4 === 0 ? record.subarray(0, random() % (record.length + 1)) : record);
      }
      const decoder = start(tape, { kinds: all, alone: true, maxBytes: random() % 2 === 0 ? 0 : 16 });
      // what waits for parts that never come ends it
      for (let seen = drain(decoder); seen.length > 0; seen = drain(decoder)) {
        for (const { contents } of seen)
          expect(contents ?? "").not.toContain(text(Uint8Array.of(mark, mark)));
      }
      expect(decoder.batch.rejected).toBeGreaterThan(0);
    }
    expect(records).toBe(48_000);
  });
});

/** Numbers below 2^32, the same in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9;
    return (state ^ (state >>> 13)) >>> 0;
  };
}

/** Where the kind is in an event_record, in words. */
function wordOfKind(): number {
  return new EventRecord(Uint32Array.from({ length: EventRecord.size / 4 }, (_, i) => i)).kind;
}
