/** Where an event happened, as one text, from its meta. */

import { Output } from "../bytes/output.ts";
import { EventPlace } from "../place.ts";

const nothing = new Uint8Array(0);

/** A path, a terminal, an address and port, or a signal's name. */
export class Where extends EventPlace {
  /** after `spell`: the same as one text */
  readonly out = new Output(256);

  spell(): void {
    const { out, name, sourcePort, destinationPort } = this;
    out.clear();
    if (name !== null) out.copy(name, 0, name.length);
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
}
