import { whole } from "../../ffi/halves.ts";
import type { Event, Key } from "../event.ts";
import { EventPlace } from "../place.ts";

/** The channel of an event: which sockets, which pipe, and where it leads. */
export class MessagePlace extends EventPlace {
  /** exact below 2^53, 0 when unknown */
  sourceInode = 0;
  destinationInode = 0;
  pipe = 0;

  override read(event: Event): void {
    this.sourceInode = 0;
    this.destinationInode = 0;
    this.pipe = 0;
    super.read(event);
  }

  override text(key: Key, value: Uint8Array): void {
    if (key.name === "path") this.name = value;
    else super.text(key, value);
  }

  override integer(key: Key, low: number, high: number): void {
    const { name } = key;
    if (name === "src_inode") this.sourceInode = whole(low, high);
    else if (name === "dst_inode") this.destinationInode = whole(low, high);
    else if (name === "pipe_inode") this.pipe = whole(low, high);
    else super.integer(key, low, high);
  }

  /** The service's port: the lower one, 0 without. */
  get port(): number {
    return Math.max(0, Math.min(this.sourcePort, this.destinationPort));
  }
}
