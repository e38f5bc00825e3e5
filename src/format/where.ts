/** Where an event happened, as one text, from its meta. */

import { Output } from "../bytes/output.ts";
import type { Event, Key, Meta } from "../event.ts";

const nothing = new Uint8Array(0);

/** A path, a terminal, an address and port, or a signal's name. */
export class Where implements Meta {
  /** the parts gathered so far; arrays of meta keep their bytes, so the same one is the same text */
  place: Uint8Array | null = null;
  source: Uint8Array | null = null;
  destination: Uint8Array | null = null;
  sourcePort = -1;
  destinationPort = -1;
  /** after `spell`: the same as one text */
  readonly out = new Output(256);

  read(event: Event): void {
    this.place = null;
    this.source = null;
    this.destination = null;
    this.sourcePort = -1;
    this.destinationPort = -1;
    event.meta(this);
  }

  spell(): void {
    const { out, place, sourcePort, destinationPort } = this;
    out.clear();
    if (place !== null) out.copy(place, 0, place.length);
    if (sourcePort < 0 || destinationPort < 0) return;
    // the lower port is the service, whichever way the bytes went
    const toSource = sourcePort < destinationPort;
    const address = (toSource ? this.source : this.destination) ?? nothing;
    const isSix = address.includes(0x3a);
    if (isSix) out.byte(0x5b);
    out.copy(address, 0, address.length);
    if (isSix) out.byte(0x5d);
    out.byte(0x3a);
    out.unsigned(toSource ? sourcePort : destinationPort);
  }

  text({ name, isPlace }: Key, value: Uint8Array): void {
    if (name === "src_addr") this.source = value;
    else if (name === "dst_addr") this.destination = value;
    else if (isPlace) this.place = value;
  }

  integer({ name }: Key, low: number): void {
    if (name === "src_port") this.sourcePort = low;
    else if (name === "dst_port") this.destinationPort = low;
  }

  flag(): void {}
}
