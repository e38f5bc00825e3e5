/** The lines of server-sent events, in whatever pieces they come; a CR alone ends none here. */
const newline = 0x0a;
const cr = 0x0d;
/** bytes of a line that are kept: names and ids are short, and data is not shown */
const longest = 256;
const decoder = new TextDecoder();

export class EventLines {
  /** of the event that `read` found the end of */
  name = "message";
  id = "";
  readonly #line = new Uint8Array(longest);
  #length = 0;
  #hasData = false;
  #name = "";

  /** The index behind the end of the first event within the bytes `at` to `end`, -1 when there is none. */
  read(bytes: Uint8Array, at: number, end: number): number {
    for (let i = at; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte !== newline) {
        if (byte !== cr && this.#length < longest) this.#line[this.#length++] = byte;
        continue;
      }
      if (this.#length > 0) {
        this.#field(decoder.decode(this.#line.subarray(0, this.#length)));
        this.#length = 0;
        continue;
      }
      const isEvent = this.#hasData;
      this.name = this.#name || "message";
      this.#hasData = false;
      this.#name = "";
      if (isEvent) return i + 1;
    }
    return -1;
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#hasData = true;
    else if (name === "event") this.#name = value;
    else if (name === "id") this.id = value;
  }
}
