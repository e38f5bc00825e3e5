import { whole } from "../../ffi/halves.ts";
import { type End, type Event, type File, key, type Meta, nobody } from "../event.ts";
import { EventFlags, Kind, PtyRecord } from "../layout.ts";
import { channelOf, type Receipt } from "../name/receivers.ts";
import { Remembered } from "../name/remembered.ts";
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
/** sides that are read, of which it is kept who could */
const most = 4096;

/** Who could read what is written to a side of a terminal. */
interface Look {
  /** when the last event was written for which that was looked up (CLOCK_BOOTTIME, ns) */
  asked: number;
  /** and the last one for which somebody was found */
  found: number;
  pid: number;
  comm: Uint8Array | null;
}

class PtyReader implements Reader {
  readonly #tools: Tools;
  readonly #record: PtyRecord;
  /** `pts/3` by number */
  readonly #names: Uint8Array[] = [];
  /** by line: as it was when an event came, for who has that side then may have passed it on before its time is over */
  readonly #looks = new Remembered<Look>(most);
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
      if (record.dstTgid === 0 && event.dst.pid === -1) this.#recall(event.dst);
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

  #receipt(): Receipt | null {
    const { lineLow, lineHigh, position, end, count } = this.#record;
    return this.#tools.receivers.findWithin(lineLow, lineHigh, position, end, count);
  }

  /** Of what is not all received. */
  #firstReceipt(): Receipt | null {
    const { lineLow, lineHigh, position } = this.#record;
    return this.#tools.receivers.find(lineLow, lineHigh, position, 0);
  }

  #sender(): End {
    const sender = nobody();
    this.#tools.names.fill(sender, this.#record.srcTgid, this.#record.srcTag);
    return sender;
  }

  /** Keeps who can receive what nobody is known to read, once an event. */
  #look(): void {
    const { dstTgid, lineLow, lineHigh, timeLow, timeHigh } = this.#record;
    if (dstTgid !== 0) return;
    const line = whole(lineLow, lineHigh);
    const time = whole(timeLow, timeHigh);
    const look = this.#looks.get(line) ?? { asked: 0, found: 0, pid: -1, comm: null };
    if (look.asked >= time) return;
    look.asked = time;
    this.#looks.set(line, look);
    const end = nobody();
    this.#byTerminal(end, this.#sender(), time);
    if (end.pid === -1) return;
    look.found = time;
    look.pid = end.pid;
    look.comm = end.comm;
  }

  /** Who alone can receive it, or is likeliest to, when nobody was seen to. */
  #guess(end: End, sender: End): void {
    const { dstTgid, dstTag, flags, timeLow, timeHigh } = this.#record;
    if (dstTgid === 0) {
      this.#byTerminal(end, sender, whole(timeLow, timeHigh));
      return;
    }
    this.#tools.names.fill(end, dstTgid, dstTag);
    end.guess = (flags & EventFlags.EVENT_DST_GUESS) !== 0;
  }

  /** Who could receive it soon after the write, and has passed that side on since, or is gone. */
  #recall(end: End): void {
    const { lineLow, lineHigh, timeLow, timeHigh } = this.#record;
    const look = this.#looks.get(whole(lineLow, lineHigh));
    if (look === undefined || look.found < whole(timeLow, timeHigh)) return;
    end.pid = look.pid;
    end.comm = look.comm;
    end.guess = true;
  }

  /** Who has that side open by now. */
  #byTerminal(end: End, sender: End, time: number): void {
    const { flags, index } = this.#record;
    this.#tools.owners.byTerminal(end, index, (flags & EventFlags.PTY_TO_MASTER) !== 0, sender, time);
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
