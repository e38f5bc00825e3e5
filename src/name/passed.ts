/** Descriptors that messages over unix sockets carry: which files they stand for, and their numbers at either end. */
import { whole } from "../../ffi/halves.ts";
import type { PassedFile } from "../event.ts";
import { PassedRecord } from "../layout.ts";
import type { Owners } from "./owners.ts";
import type { Paths } from "./paths.ts";

/** that are kept of either end: what is asked for is asked for soon */
const most = 4096;
const decoder = new TextDecoder();

/** i_mode's types of files */
const typeBits = 0o170000;
const socket = 0o140000;
const types = new Map([
  [socket, "socket"],
  [0o100000, "file"],
  [0o060000, "device"],
  [0o040000, "folder"],
  [0o020000, "device"],
  [0o010000, "pipe"],
]);
/** file systems whose files have no path */
const anonymousMagic = 0x0904_1934;
const pipeMagic = 0x5049_5045;
const socketMagic = 0x534f_434b;

/** The descriptors that one message carries. */
export interface Passing {
  readonly thread: number;
  readonly low: number;
  readonly high: number;
  /** of the socket that is to receive them; 0: not known */
  readonly inode: number;
  /** the same for the same files in the same order */
  readonly key: string;
  readonly files: PassedFile[];
  isReceived: boolean;
}

interface Taken {
  readonly inode: number;
  readonly key: string;
  readonly numbers: readonly number[];
}

export class Passed {
  readonly #record: PassedRecord;
  readonly #sent: Passing[] = [];
  /** those nobody asked for yet, the oldest first */
  readonly #taken: Taken[] = [];

  /** @param words the ring's data, which `bytes` are too */
  constructor(
    private readonly words: Uint32Array,
    private readonly bytes: Uint8Array,
    private readonly paths: Paths,
    private readonly owners: Owners,
  ) {
    this.#record = new PassedRecord(words);
  }

  /** Keeps the passed_record at this word, which stood at a position of the ring; false when it is too short. */
  add(at: number, length: number, position: number): boolean {
    const record = this.#record;
    record.at = at;
    const { offset, size } = PassedRecord.files;
    const { count } = record;
    if (offset + count * size > length) return false;
    const starts = Array.from({ length: count }, (_, i) => at + (offset + i * size) / 4);
    const inode = whole(record.inodeLow, record.inodeHigh);
    const key = starts.map((start) => `${this.words[start]}:${this.words[start + 1]}`).join();
    if (record.isReceived !== 0) {
      const numbers = starts.map((start) => this.words[start + 7]! | 0);
      const taken = { inode, key, numbers };
      const sent = this.#sent.find((one) => !one.isReceived && isOf(taken, one));
      if (sent !== undefined) give(sent, taken);
      else add(this.#taken, taken);
      return true;
    }
    const { thread, timeLow: low, timeHigh: high } = record;
    const files = starts.map((start) => this.#file(start, position));
    const sent: Passing = { thread, low, high, inode, key, files, isReceived: false };
    const taken = this.#taken.findIndex((one) => isOf(one, sent));
    if (taken >= 0) give(sent, this.#taken.splice(taken, 1)[0]!);
    add(this.#sent, sent);
    return true;
  }

  #file(start: number, position: number): PassedFile {
    const { words } = this;
    const [low, high] = [words[start + 2]!, words[start + 3]!];
    const [device, mode, magic] = [words[start + 4]!, words[start + 5]!, words[start + 6]!];
    const name = this.#name(start);
    const type = types.get(mode & typeBits) ?? "file";
    const file = { fd: words[start + 7]! | 0, what: type, path: null, given: -1 };
    // `[eventpoll]`, `[eventfd]`, `dmabuf`
    if (magic === anonymousMagic) return { ...file, what: name.replace(/^\[(.*)\]$/, "$1") };
    if (name.startsWith("memfd:")) return { ...file, what: "memfd" };
    if ((mode & typeBits) === socket && magic === socketMagic) {
      return { ...file, path: this.owners.addressOf(low, high)?.text ?? null };
    }
    if (magic === pipeMagic) return file;
    const path = this.paths.find(device, low, high, position);
    return { ...file, path };
  }

  #name(start: number): string {
    const from = start * 4 + 32;
    const bytes = this.bytes.subarray(from, from + 16);
    const end = bytes.indexOf(0);
    return decoder.decode(bytes.subarray(0, end < 0 ? bytes.length : end));
  }

  /** What an event's message carries, by the thread that sent it and the event's time. */
  of(thread: number, low: number, high: number): Passing | null {
    return (
      this.#sent.findLast((one) => one.thread === thread && one.low === low && one.high === high) ?? null
    );
  }
}

/** Whether these are what was sent, or the first of it: who has room for fewer gets the first ones. */
function isOf({ inode, key }: Taken, sent: Passing): boolean {
  if (sent.inode !== 0 && sent.inode !== inode) return false;
  return sent.key === key || sent.key.startsWith(`${key},`);
}

function give(sent: Passing, { numbers }: Taken): void {
  sent.isReceived = true;
  for (const [i, file] of sent.files.entries()) file.given = numbers[i] ?? -1;
}

function add<One>(list: One[], one: One): void {
  if (list.length === most) list.shift();
  list.push(one);
}
