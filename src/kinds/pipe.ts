import { type Contents, type Event, type File, key, type Meta, type Scene } from "../event.ts";
import { EventFlags, Kind, PipeRecord, Run, RunFlags, RunsRecord } from "../layout.ts";
import { callHooks, unreadHooks, withoutUnread } from "./hooks.ts";
import { type Entry, type KindModule, type Reader, type Tools, through } from "./kind.ts";
import { Scenes } from "./scene.ts";

const pipeName = key("pipe_name", "text", true);
const pipeInode = key("pipe_inode", "integer");
const count = key("count", "integer");
const anonymous = new TextEncoder().encode("<anonymous>");

class PipeReader implements Reader {
  readonly #tools: Tools;
  readonly #record: PipeRecord;
  readonly #run: Run;
  readonly #slice: Contents = { bytes: new Uint8Array(0), start: 0, length: 0 };
  readonly #file: File = { device: 0, inodeLow: 0, inodeHigh: 0, path: anonymous };
  #bytes = 0;
  #position = 0;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#record = new PipeRecord(tools.words);
    this.#run = new Run(tools.words);
  }

  read(entry: Entry, event: Event, emit: () => boolean): void {
    const record = this.#record;
    record.at = entry.at;
    this.#position = entry.position;
    this.#tools.names.fill(event.dst, record.dstTgid, record.dstTag);
    event.dst.guess = (record.flags & EventFlags.EVENT_DST_GUESS) !== 0;
    event.meta = this.#meta;
    event.scene = this.#scene();
    event.countHigh = 0;
    if (entry.runsAt < 0) {
      const { srcTgid, srcTag, flags, count } = record;
      this.#fill(event, srcTgid, srcTag, (flags & EventFlags.EVENT_SRC_GUESS) !== 0, count);
      event.contents = entry.contents;
      emit();
      return;
    }
    // one event per run of one writer's bytes, each with its part of the contents
    let offset = 0;
    for (let i = 0; i < record.runs; i++) {
      const run = this.#run;
      run.at = entry.runsAt + (RunsRecord.run.offset + i * RunsRecord.run.size) / 4;
      this.#fill(event, run.whoTgid, run.whoTag, (run.flags & RunFlags.RUN_GUESS) !== 0, run.bytes);
      event.contents = this.#part(entry.contents, offset, run.bytes);
      offset += run.bytes;
      // the kernel side leaves its own bytes out where they come alone
      if (event.src.pid !== process.pid && !emit()) return;
    }
  }

  /** A FIFO's path may be another one soon. */
  #scene(): Scene | null {
    const { flags, device, inodeLow, inodeHigh } = this.#record;
    if ((flags & EventFlags.PIPE_FIFO) !== 0) return null;
    return this.#scenes.of(null, null, inodeLow, inodeHigh, device);
  }

  writers(at: number): number {
    this.#record.at = at;
    return this.#record.runs;
  }

  #fill(event: Event, tgid: number, tag: number, guess: boolean, bytes: number): void {
    this.#tools.names.fill(event.src, tgid, tag);
    event.src.guess = guess;
    event.countLow = bytes;
    this.#bytes = bytes;
  }

  #part(contents: Contents | null, offset: number, length: number): Contents | null {
    if (contents === null) return null;
    const slice = this.#slice;
    slice.bytes = contents.bytes;
    slice.start = contents.start + offset;
    const most = this.#tools.maxBytes || length;
    slice.length = Math.max(0, Math.min(length, contents.length - offset, most));
    return slice;
  }

  readonly #meta = (out: Meta): void => {
    const record = this.#record;
    const { device, inodeLow, inodeHigh } = record;
    const fifo = (record.flags & EventFlags.PIPE_FIFO) !== 0;
    const path = fifo ? this.#tools.paths.find(device, inodeLow, inodeHigh, this.#position) : anonymous;
    out.text(pipeName, path);
    out.integer(pipeInode, inodeLow, inodeHigh);
    out.integer(count, this.#bytes, 0);
    if (!fifo || out.file === undefined) return;
    const file = this.#file;
    file.device = device;
    file.inodeLow = inodeLow;
    file.inodeHigh = inodeHigh;
    file.path = path;
    out.file(file);
  };
  readonly #scenes = new Scenes(this.#meta);
}

const pipe: KindModule = {
  name: "pipe",
  aliases: ["p"],
  shows: "bytes that leave a pipe or a FIFO",
  carries: "stream",
  id: Kind.KIND_PIPE,
  size: PipeRecord.size,
  hooks: {
    // since 6.16 FIFOs have functions of their own, which call the anon_ ones
    pipe_read: ["anon_pipe_read", "pipe_read"],
    pipe_write: ["anon_pipe_write", "pipe_write"],
    pipe_unlock: ["mutex_unlock"],
    pipe_free: ["free_pipe_info"],
    pipe_splice: ["do_splice"],
    pipe_tee: ["do_tee"],
    pipe_sendfile: ["do_sendfile"],
    pipe_vmsplice: ["__x64_sys_vmsplice", "__arm64_sys_vmsplice"],
    ...callHooks,
    ...unreadHooks,
  },
  within: { calls_enter: ["tracepoint"], calls_exit: ["tracepoint"], calls_begun: ["tracepoint"] },
  optional: withoutUnread,
  blind: { tracepoint: ["io_uring", "aio"] },
  reader: (tools) => new PipeReader(tools),
  trial: ({ pipe }) => through(pipe()),
};

export const kinds: readonly KindModule[] = [pipe];
