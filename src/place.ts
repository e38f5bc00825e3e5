import { whole } from "../ffi/halves.ts";
import type { Event, Key, Meta } from "./event.ts";

/** The object that an event went through, as its meta names it: by a path or the like, or by two addresses and ports. */
export class EventPlace implements Meta {
  /** of a file, a terminal, a queue or a signal; arrays of meta keep their bytes, so the same one is the same text */
  name: Uint8Array | null = null;
  source: Uint8Array | null = null;
  destination: Uint8Array | null = null;
  sourcePort = -1;
  destinationPort = -1;

  /** Gathers it anew. */
  read(event: Event): void {
    this.name = null;
    this.source = null;
    this.destination = null;
    this.sourcePort = -1;
    this.destinationPort = -1;
    event.meta(this);
  }

  text({ name, isPlace }: Key, value: Uint8Array): void {
    if (name === "src_addr") this.source = value;
    else if (name === "dst_addr") this.destination = value;
    else if (isPlace) this.name = value;
  }

  integer({ name }: Key, low: number, _high: number): void {
    if (name === "src_port") this.sourcePort = low;
    else if (name === "dst_port") this.destinationPort = low;
  }

  flag(): void {}
}

/** What of an event's meta tells its channel from others: which object it went through, and by which socket. */
export class ChannelPlace extends EventPlace {
  /** inodes, 0 when unknown; of a queue its key; each in one number, exact below 2^53 */
  sourceInode = 0;
  destinationInode = 0;
  object = 0;

  override read(event: Event): void {
    this.sourceInode = 0;
    this.destinationInode = 0;
    this.object = 0;
    super.read(event);
  }

  override integer(key: Key, low: number, high: number): void {
    const { name } = key;
    if (name === "src_inode") this.sourceInode = whole(low, high);
    else if (name === "dst_inode") this.destinationInode = whole(low, high);
    else if (name === "pipe_inode" || name === "id") this.object = whole(low, high);
    else super.integer(key, low, high);
  }
}
