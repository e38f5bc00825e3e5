/**
 * Made-up IPv6 addresses for processes, with names: fd69:7063:6475:6d70:: ("ipcdump") and a number that counts the
 * processes met. Wireshark takes the last name of an address for all packets, so no two processes ever share one.
 */
import { escapeText } from "../bytes/escape.ts";
import { Output } from "../bytes/output.ts";
import { same } from "../bytes/same.ts";
import type { End } from "../event.ts";
import { Block, type BlockWriter, nameOfIpv6 } from "./block.ts";

const prefix = [0xfd, 0x69, 0x70, 0x63, 0x64, 0x75, 0x6d, 0x70];
const addressLength = 16;
/** processes kept twice over; a process that is met again after so many others gets a new address */
const mostKept = 32_768;
const dot = 0x2e;
const unknown = new TextEncoder().encode("<unknown>");

/** A process under one name. */
interface KnownProcess {
  readonly comm: Uint8Array;
  /** as of End, 0 while only /proc knew it */
  tag: number;
  readonly address: Uint8Array;
}

export class ProcessAddresses {
  /** by pid */
  #young = new Map<number, KnownProcess[]>();
  #old = new Map<number, KnownProcess[]>();
  #met = 0;
  #kept = 0;
  readonly #name = new Output(256);

  /** The address of a process. A new one's name goes to `out`. */
  of(end: End, blocks: BlockWriter, out: Output): Uint8Array {
    const { pid, comm, tag = 0 } = end;
    if (comm === null && pid < 0) throw new Error("an unknown end has no address");
    const name = comm ?? unknown;
    const known = find(this.#young.get(pid), name, tag) ?? this.#remember(end, name, tag, blocks, out);
    if (known.tag === 0) known.tag = tag;
    return known.address;
  }

  /** An address for an unknown end of one channel: it may be another process than that of the next. */
  ofNobody(blocks: BlockWriter, out: Output): Uint8Array {
    const address = this.#next();
    this.#write(unknown, `x${this.#met}`, address, blocks, out);
    return address;
  }

  #remember({ pid }: End, comm: Uint8Array, tag: number, blocks: BlockWriter, out: Output): KnownProcess {
    let known = find(this.#old.get(pid), comm, tag);
    if (known === undefined) {
      known = { comm, tag, address: this.#next() };
      this.#write(comm, `${pid}`, known.address, blocks, out);
    }
    if (++this.#kept > mostKept) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#kept = 1;
    }
    const others = this.#young.get(pid);
    if (others === undefined) this.#young.set(pid, [known]);
    else others.push(known);
    return known;
  }

  #next(): Uint8Array {
    const address = new Uint8Array(addressLength);
    address.set(prefix);
    let rest = ++this.#met;
    for (let i = addressLength - 1; rest > 0; i--, rest = Math.floor(rest / 256)) address[i] = rest % 256;
    return address;
  }

  #write(comm: Uint8Array, pid: string, address: Uint8Array, blocks: BlockWriter, out: Output): void {
    const name = this.#name;
    name.clear();
    escapeText(comm, 0, comm.length, name);
    name.byte(dot);
    name.string(pid);
    name.byte(0);
    blocks.begin(out, Block.NAMES);
    blocks.halves(nameOfIpv6, addressLength + name.length);
    blocks.bytes(address, 0, addressLength);
    blocks.bytes(name.bytes, 0, name.length);
    blocks.pad();
    blocks.word(0); // no more records
    blocks.end();
  }
}

function find(
  all: readonly KnownProcess[] | undefined,
  comm: Uint8Array,
  tag: number,
): KnownProcess | undefined {
  if (all === undefined) return undefined;
  for (let i = all.length - 1; i >= 0; i--) {
    const known = all[i]!;
    if (known.tag !== tag && known.tag !== 0 && tag !== 0) continue;
    if (known.comm === comm || same(known.comm, comm)) return known;
  }
  return undefined;
}
