import { whole } from "../../ffi/halves.ts";
import type { Event, Key } from "../event.ts";
import { EventPlace } from "../place.ts";

/** What of an event's meta tells its channel from others: which object it went through, and by which socket. */
export class ChannelFacts extends EventPlace {
  /** inodes, or the key of a queue; each in one number, exact below 2^53 */
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
