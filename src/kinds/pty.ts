import { whole } from "../../ffi/halves.ts";
import { type Event, type File, key, type Meta } from "../event.ts";
import { EventFlags, Kind, PtyRecord } from "../layout.ts";
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
  readonly #file: File = { device: 0, inodeLow: 0, inodeHigh: 0, path: new Uint8Array(0) };

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#record = new PtyRecord(tools.words);
  }

  isReady(at: number): boolean {
    // whoever has let it go by then and has read it before was told of when this is asked again
    if (this.looksUp(at)) this.#tools.owners.holders.ofMaster(this.#record.index);
    return true;
  }

  looksUp(at: number): boolean {
    const record = this.#record;
    record.at = at;
    const { flags, dstTgid } = record;
    const isUnsure = dstTgid === 0 || (flags & EventFlags.EVENT_DST_GUESS) !== 0;
    return isUnsure && (flags & EventFlags.PTY_TO_MASTER) !== 0;
  }

  channel(at: number): number {
    const record = this.#record;
    record.at = at;
    return channelOf(record.masterLow, record.masterHigh);
  }

  read(entry: Entry, event: Event, emit: () => boolean): void {
    const record = this.#record;
    const { names, owners } = this.#tools;
    record.at = entry.at;
    const { srcTgid, srcTag, dstTgid, dstTag, flags } = record;
    names.fill(event.src, srcTgid, srcTag);
    const looksUp = this.looksUp(entry.at);
    const channel = this.channel(entry.at);
    const time = whole(record.timeLow, record.timeHigh);
    if (dstTgid === 0 && looksUp) {
      owners.byMaster(event.dst, record.index, channel, time);
    } else {
      names.fill(event.dst, dstTgid, dstTag);
      event.dst.guess = dstTgid !== 0 && (flags & EventFlags.EVENT_DST_GUESS) !== 0;
      if (looksUp && owners.isOnlyMaster(event.dst, record.index, channel, time)) event.dst.guess = false;
    }
    event.meta = this.#meta;
    event.countLow = record.count;
    event.countHigh = 0;
    event.contents = entry.contents;
    emit();
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
