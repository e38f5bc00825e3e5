/**
 * The `unread` lines: pipes and streams that hold bytes, whose these are and who could read them. What is open is looked
 * at when it is asked; what a process of cmd's had left when it ended was told by then.
 */
import type { BpfObject } from "../../ffi/object.ts";
import type { Link } from "../../ffi/program.ts";
import type { Traced } from "../attach/plan.ts";
import { printable } from "../bytes/escape.ts";
import { unknownPath } from "../bytes/path.ts";
import { blankEvent, type End, key, type Meta, nobody } from "../event.ts";
import type { Filter } from "../filter/filter.ts";
import { DescriptorOf, DescriptorRecord, LeftRecord } from "../layout.ts";
import { log } from "../log.ts";
import type { Names } from "../name/names.ts";
import type { Paths } from "../name/paths.ts";
import { type Descriptor, descriptorOf, descriptorsBy } from "../proc/descriptors.ts";
import { PipeWriters } from "./pipewriters.ts";
import { Streams, streamName } from "./streams.ts";
import { lineOf, type Unread } from "./unread.ts";

const most = 10;
/** of what ended processes have left these are kept */
const mostLeft = 256;
const noOne = nobody();
const noun = { pipe: key("pipe_name", "text", true), other: key("path", "text", true) };
const ports = { source: key("src_port", "integer"), destination: key("dst_port", "integer") };

export class Leftovers {
  readonly #writers: PipeWriters;
  readonly #kinds: ReadonlySet<string>;
  /** by the object: what nobody can read any more */
  readonly #left = new Map<number, Unread>();

  /** @param descriptors null where the kernel has no iterator: there nothing is known to be unread */
  constructor(
    object: BpfObject,
    traced: readonly Traced[],
    private readonly names: Names,
    private readonly paths: Paths,
    private readonly filter: Filter,
    private readonly descriptors: Link | null,
  ) {
    this.#writers = new PipeWriters(object.map("ledgers"), names);
    this.#kinds = new Set(traced.map(({ kind }) => kind.name));
  }

  /** Takes in a left_record at a position of the ring. */
  add(record: LeftRecord, position: number): void {
    const descriptor = new DescriptorRecord(record.words);
    // it stands last
    descriptor.at = record.at + (LeftRecord.size - DescriptorRecord.size) / 4;
    const one = descriptorOf(descriptor);
    const kind = kindOf(one);
    if (kind === null) return;
    const reader = nobody();
    this.names.recall(reader, record.whoTgid, record.whoTag);
    const from: End[] = [];
    for (let i = 0; i < LeftRecord.from.length; i++) {
      const at = record.at + (LeftRecord.from.offset + i * LeftRecord.from.size) / 4;
      const writer = nobody();
      this.names.recall(writer, record.words[at]!, record.words[at + 1]!);
      if (writer.pid !== noOne.pid && from.every(({ pid }) => pid !== writer.pid)) from.push(writer);
    }
    this.#left.delete(one.object);
    this.#left.set(one.object, {
      kind,
      inode: one.inode,
      name: kind === "pipe" ? this.#nameOf(one, descriptor, position) : streamName(one),
      ports: [one.remotePort, one.localPort],
      bytes: one.queued,
      from,
      readers: [reader],
    });
    if (this.#left.size > mostLeft) this.#left.delete(this.#left.keys().next().value!);
  }

  /** Of a pipe whose descriptor may be gone: a FIFO's path is known by its use. */
  #nameOf(pipe: Descriptor, { device, inodeLow, inodeHigh }: DescriptorRecord, position: number): string {
    const path = this.paths.find(device, inodeLow, inodeHigh, position);
    return path === unknownPath ? this.#writers.nameOf(pipe) : printable(path);
  }

  /**
   * At most ten lines, the fullest first.
   * @param catchUp takes in what the ring has: what was closed before the look at what is open was told by then
   */
  lines(catchUp: () => void): string[] {
    if (this.descriptors === null) return [];
    const open = this.#look(this.descriptors);
    catchUp();
    const left = [...this.#left].filter(([object]) => !open.objects.has(object)).map(([, one]) => one);
    return [...open.unread, ...left]
      .filter((one) => this.#kinds.has(one.kind) && this.#isWanted(one))
      .sort((a, b) => b.bytes - a.bytes)
      .slice(0, most)
      .map(lineOf);
  }

  #look(link: Link): { unread: Unread[]; objects: ReadonlySet<number> } {
    let all: Descriptor[];
    try {
      all = descriptorsBy(link);
    } catch (error) {
      log.verbose(`nothing is known to be unread: ${error instanceof Error ? error.message : error}`);
      return { unread: [], objects: new Set() };
    }
    const byObject = Map.groupBy(all, ({ object }) => object);
    const unread: Unread[] = [];
    for (const [, descriptors] of byObject) {
      const [first] = descriptors;
      if (first!.of !== DescriptorOf.OF_PIPE || first!.queued === 0) continue;
      unread.push(this.#writers.unread(descriptors));
    }
    unread.push(...new Streams(all, byObject).unread());
    const isOurs = ({ from, readers }: Unread) =>
      from.some(({ pid }) => pid === process.pid) || readers.some(({ pid }) => pid === process.pid);
    return { unread: unread.filter((one) => !isOurs(one)), objects: new Set(byObject.keys()) };
  }

  /** Whether any of those who wrote and those who could read may be in an event that is asked for. */
  #isWanted({ kind, name, ports: [from, to], from: writers, readers, bytes }: Unread): boolean {
    const event = Object.assign(blankEvent(), {
      kind,
      meta: (out: Meta) => {
        if (kind === "loopback-tcp") {
          out.integer(ports.source, from, 0);
          out.integer(ports.destination, to, 0);
        } else {
          out.text(kind === "pipe" ? noun.pipe : noun.other, new TextEncoder().encode(name));
        }
      },
      countLow: bytes >>> 0,
    });
    const sources = writers.length > 0 ? writers : [noOne];
    const destinations = readers.length > 0 ? readers : [noOne];
    return sources.some((src) =>
      destinations.some((dst) => this.filter.passes(Object.assign(event, { src, dst }))),
    );
  }
}

function kindOf({ of }: Descriptor): Unread["kind"] | null {
  if (of === DescriptorOf.OF_PIPE) return "pipe";
  if (of === DescriptorOf.OF_UNIX) return "unix-stream";
  return of === DescriptorOf.OF_INET ? "loopback-tcp" : null;
}
