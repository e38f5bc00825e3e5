import { whole } from "../../ffi/halves.ts";
import type { Event, Key, Meta } from "../event.ts";

/** What of an event's meta tells its channel from others: which object it went through, and by which socket. */
export class ChannelFacts implements Meta {
  /** a path, the name of a terminal or of a queue; arrays of meta keep their bytes */
  place: Uint8Array | null = null;
  /** of loopback, as text */
  source: Uint8Array | null = null;
  destination: Uint8Array | null = null;
  sourcePort = -1;
  destinationPort = -1;
  /** inodes, or the key of a queue; each in one number, exact below 2^53 */
  sourceInode = 0;
  destinationInode = 0;
  object = 0;

  read(event: Event): void {
    this.place = null;
    this.source = null;
    this.destination = null;
    this.sourcePort = -1;
    this.destinationPort = -1;
    this.sourceInode = 0;
    this.destinationInode = 0;
    this.object = 0;
    event.meta(this);
  }

  text({ name }: Key, value: Uint8Array): void {
    if (name === "src_addr") this.source = value;
    else if (name === "dst_addr") this.destination = value;
    else if (name === "path" || name.endsWith("_name")) this.place = value;
  }

  integer({ name }: Key, low: number, high: number): void {
    if (name === "src_port") this.sourcePort = low;
    else if (name === "dst_port") this.destinationPort = low;
    else if (name === "src_inode") this.sourceInode = whole(low, high);
    else if (name === "dst_inode") this.destinationInode = whole(low, high);
    else if (name === "pipe_inode" || name === "id") this.object = whole(low, high);
  }

  flag(): void {}
}
