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
