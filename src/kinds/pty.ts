import { whole } from "../../ffi/halves.ts";
import { type End, type Event, type File, key, type Meta, nobody } from "../event.ts";
import { EventFlags, Kind, PtyRecord } from "../layout.ts";
import { Looks } from "../name/looks.ts";
import type { Receipt } from "../name/ranges.ts";
import { channelOf } from "../name/receivers.ts";
import { terminalFunctions } from "./functions.ts";
import {
  callHooks,
  holderHooks,
  requestHooks,
  withinCalls,
  withoutHolders,
  withoutRequests,
} from "./hooks.ts";
import { type Entry, type KindModule, type Reader, type Tools, through } from "./kind.ts";

const ttyName = key("tty_name", "text", true);
const session = key("dst_sid", "integer");
const count = key("count", "integer");
/** of terminal 0 in devpts, whose inodes go by number */
const firstInode = 3;
const encoder = new TextEncoder();

class PtyReader implements Reader {
  readonly #tools: Tools;
  readonly #record: PtyRecord;
  /** `pts/3` by number */
  readonly #names: Uint8Array[] = [];
  /** by line */
  readonly #looks = new Looks();
  readonly #file: File = { device: 0, inodeLow: 0, inodeHigh: 0, path: new Uint8Array(0) };

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#record = new PtyRecord(tools.words);
  }

  isReady(at: number): boolean {
    this.#record.at = at;
    if (!this.#isOpen() || this.#receipt() !== null) return true;
    this.#look();
    return false;
  }

  isGuessable(at: number): boolean {
    const end = nobody();
    this.#record.at = at;
    this.#guess(end, this.#sender());
    if (this.#record.dstTgid === 0) this.#looks.note(this.#line, this.#time, end);
    return end.pid !== -1;
  }

  channel(at: number): number {
    const record = this.#record;
    record.at = at;
    return channelOf(record.masterLow, record.masterHigh);
  }

  read(entry: Entry, event: Event, emit: () => boolean): void {
    const record = this.#record;
    const { names } = this.#tools;
    record.at = entry.at;
    const { srcTgid, srcTag } = record;
    names.fill(event.src, srcTgid, srcTag);
    const isOpen = this.#isOpen();
    const receipt = isOpen ? this.#receipt() : null;
    const likeliest = receipt ?? (isOpen ? this.#firstReceipt() : null);
    if (likeliest === null) {
      this.#guess(event.dst, event.src);
      if (record.dstTgid === 0 && event.dst.pid === -1) this.#looks.recall(event.dst, this.#line, this.#time);
    } else {
      names.fill(event.dst, likeliest.tgid, likeliest.tag);
      event.dst.guess = receipt === null || receipt.guess;
    }
    event.meta = this.#meta;
    event.countLow = record.count;
    event.countHigh = 0;
    event.contents = entry.contents;
    emit();
  }

  #isOpen(): boolean {
    return (this.#record.flags & EventFlags.EVENT_OPEN) !== 0;
  }

  #receipt(): Readonly<Receipt> | null {
    const { lineLow, lineHigh, position, end, count } = this.#record;
    return this.#tools.receivers.findWithin(lineLow, lineHigh, position, end, count, 0);
  }

  /** Of what is not all received. */
  #firstReceipt(): Readonly<Receipt> | null {
    const { lineLow, lineHigh, position } = this.#record;
    return this.#tools.receivers.find(lineLow, lineHigh, position, 0);
  }

  #sender(): End {
    const sender = nobody();
    this.#tools.names.fill(sender, this.#record.srcTgid, this.#record.srcTag);
    return sender;
  }

  /** Keeps who can receive what nobody is known to read. */
  #look(): void {
    if (this.#record.dstTgid !== 0 || !this.#looks.isDue(this.#line, this.#time)) return;
    const end = nobody();
    this.#byTerminal(end, this.#sender());
    this.#looks.keep(this.#line, this.#time, end);
  }

  /** Who alone can receive it, or is likeliest to, when nobody was seen to. */
  #guess(end: End, sender: End): void {
    const { dstTgid, dstTag, flags } = this.#record;
    if (dstTgid === 0) {
      this.#byTerminal(end, sender);
      return;
    }
    this.#tools.names.fill(end, dstTgid, dstTag);
    end.guess = (flags & EventFlags.EVENT_DST_GUESS) !== 0;
  }

  /** Who has that side open by now. */
  #byTerminal(end: End, sender: End): void {
    const { flags, index } = this.#record;
    this.#tools.owners.byTerminal(end, index, (flags & EventFlags.PTY_TO_MASTER) !== 0, sender, this.#time);
  }

  get #line(): number {
    return whole(this.#record.lineLow, this.#record.lineHigh);
  }

  /** CLOCK_BOOTTIME, ns */
  get #time(): number {
    return whole(this.#record.timeLow, this.#record.timeHigh);
  }

  readonly #meta = (out: Meta): void => {
    const record = this.#record;
    const { index } = record;
    this.#names[index] ??= encoder.encode(`pts/${index}`);
    out.text(ttyName, this.#names[index]);
    out.integer(session, record.session, 0);
    out.integer(count, record.count, 0);
    if (out.file === undefined) return;
    const file = this.#file;
    file.device = record.device;
    file.inodeLow = index + firstInode;
    out.file(file);
  };
}

const pty: KindModule = {
  name: "pty",
  aliases: ["t"],
  shows: "bytes written to either side of a pseudoterminal",
  carries: "stream",
  id: Kind.KIND_PTY,
  size: PtyRecord.size,
  hooks: {
    ...terminalFunctions,
    ...callHooks,
    ...requestHooks,
    ...holderHooks,
  },
  optional: { ...withoutRequests, ...withoutHolders },
  within: withinCalls,
  // functions show what io_submit(2) writes
  blind: { tracepoint: ["aio"] },
  reader: (tools) => new PtyReader(tools),
  trial: ({ terminal }) => through(terminal()),
};

export const kinds: readonly KindModule[] = [pty];
