import type { Ring } from "../../ffi/ring.ts";
import {
  ChunkRecord,
  ForkRecord,
  Kind,
  NameRecord,
  PathRecord,
  PipeRecord,
  QueueRecord,
  RecordType,
  Run,
  RunsRecord,
  SignalRecord,
} from "../../src/layout.ts";

const encoder = new TextEncoder();

export interface Who {
  tgid: number;
  tag: number;
}

/** The fields of a record by the names that src/layout.ts has for them; what is not named is 0. */
type Fields = Readonly<Record<string, number>>;

/** A ring that is written by hand, record after record, and read as the kernel's is. */
export class Tape {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Uint32Array<ArrayBuffer>;
  at = 0;
  length = 0;
  position = 0;
  /** everything before was given back */
  released = 0;
  /** what `next` may go up to: records behind it are still being written */
  committed = Number.POSITIVE_INFINITY;
  readonly #records: { at: number; length: number }[] = [];
  #cursor = 0;
  #end = 0;

  constructor(size = 1 << 20) {
    this.bytes = new Uint8Array(size);
    this.words = new Uint32Array(this.bytes.buffer);
  }

  /** What the decoder takes for a ring. */
  get ring(): Ring {
    return this as unknown as Ring;
  }

  /** Whether everything was read. */
  get isRead(): boolean {
    return this.released === this.#records.length;
  }

  next(): boolean {
    if (this.#cursor >= Math.min(this.#records.length, this.committed)) return false;
    this.position = this.#cursor;
    const { at, length } = this.#records[this.#cursor++]!;
    this.at = at;
    this.length = length;
    return true;
  }

  get cursor(): number {
    return this.#cursor;
  }

  get produced(): number {
    return this.#records.length;
  }

  release(position: number): void {
    this.released = position;
  }

  /** Everything is to be read once more, by another batch. */
  rewind(): void {
    this.#cursor = 0;
    this.released = 0;
  }

  /** Appends a record of these bytes. */
  raw(record: Uint8Array): void {
    this.bytes.set(record, this.#end);
    this.#records.push({ at: this.#end / 4, length: record.length });
    this.#end += (record.length + 7) & ~7;
  }

  /** @param pid its number in our pid namespace, 0 outside it */
  name({ tgid, tag }: Who, comm: string, pid = tgid): void {
    const record = blank(NameRecord, { type: RecordType.RECORD_NAME, pid, whoTgid: tgid, whoTag: tag });
    record.set(encoder.encode(comm).subarray(0, NameRecord.comm.length), NameRecord.comm.offset);
    this.raw(record);
  }

  fork(parent: number, child: number): void {
    this.raw(blank(ForkRecord, { type: RecordType.RECORD_FORK, parent, child }));
  }

  /** @param components the last first, as the kernel side sends them */
  path(device: number, inode: number, components: readonly string[], isCut = 0): void {
    const data = encoder.encode(components.map((component) => `${component}\0`).join(""));
    const fields = { type: RecordType.RECORD_PATH, device, inodeLow: inode, length: data.length, isCut };
    const record = blank(PathRecord, fields, PathRecord.data.offset + data.length);
    record.set(data, PathRecord.data.offset);
    this.raw(record);
  }

  pipe(fields: Fields): void {
    const common = { type: RecordType.RECORD_EVENT, kind: Kind.KIND_PIPE, runs: 1 };
    this.raw(blank(PipeRecord, { ...common, ...fields }));
  }

  signal(fields: Fields): void {
    this.raw(blank(SignalRecord, { type: RecordType.RECORD_EVENT, kind: Kind.KIND_SIGNAL, ...fields }));
  }

  queue(fields: Fields): void {
    this.raw(blank(QueueRecord, { type: RecordType.RECORD_EVENT, kind: Kind.KIND_SYSV_MQ, ...fields }));
  }

  runs(thread: number, runs: readonly (Who & { bytes: number; flags?: number })[]): void {
    const { offset, size } = RunsRecord.run;
    const record = blank(RunsRecord, { type: RecordType.RECORD_RUNS, thread }, offset + runs.length * size);
    for (const [i, { tgid, tag, bytes, flags = 0 }] of runs.entries()) {
      const run = blank(Run, { whoTgid: tgid, whoTag: tag, bytes, flags });
      record.set(run, offset + i * size);
    }
    this.raw(record);
  }

  chunk(thread: number, offset: number, data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    const fields = { type: RecordType.RECORD_CHUNK, thread, offset, length: bytes.length };
    const record = blank(ChunkRecord, fields, ChunkRecord.data.offset + bytes.length);
    record.set(bytes, ChunkRecord.data.offset);
    this.raw(record);
  }
}

interface Layout {
  new (words: Uint32Array): object;
  readonly size: number;
}

/** The bytes of a record. The readers of src/layout.ts only read, so they are asked where a field lies. */
export function blank(layout: Layout, fields: Fields, length = layout.size): Uint8Array {
  const record = new Uint8Array(length);
  const view = new DataView(record.buffer);
  for (const [name, value] of Object.entries(fields)) view.setUint32(wordOf(layout, name) * 4, value, true);
  return record;
}

function wordOf(layout: Layout, field: string): number {
  const reader = new layout(Uint32Array.from({ length: layout.size / 4 }, (_, i) => i));
  const word: unknown = Reflect.get(reader, field);
  if (typeof word !== "number") throw new Error(`src/layout.ts has no field ${field} there`);
  return word;
}
