import type { Key } from "../event.ts";
import { ChannelPlace } from "../place.ts";

/** The channel of an event: which sockets, which pipe, and where it leads. */
export class MessagePlace extends ChannelPlace {
  override text(key: Key, value: Uint8Array): void {
    if (key.name === "path") this.name = value;
    else super.text(key, value);
  }

  /** The service's port: the lower one, 0 without. */
  get port(): number {
    return Math.max(0, Math.min(this.sourcePort, this.destinationPort));
  }
}
