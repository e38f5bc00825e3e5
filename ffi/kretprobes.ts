/**
 * Kretprobes by tracefs, which takes how many calls of a function may be under way at once. Those that perf makes
 * have room for two a processor: they lose the return of whoever sleeps meanwhile, and nobody counts that.
 */
import { existsSync, readFileSync } from "node:fs";
import { NativeError } from "./error.ts";
import { close, O, open, write } from "./libc.ts";

/** where tracefs is, and where it was before there was a place for it */
const folders = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/** calls under way: the kernel takes no more */
const most = 4096;
const group = "ipcdump_";
/** of an event, which is cut off by nobody else */
const longestName = 60;
/** ms that what the kernel says of all of them is good for */
const freshness = 100;
const encoder = new TextEncoder();

export class Kretprobes implements Disposable {
  readonly #tgid: () => number;
  readonly #isDead: ((tgid: number) => boolean) | null;
  #group = "";
  #folder = "";
  #commands = -1;
  #made = 0;
  #profile = new Map<string, number>();
  #profiled = 0;

  /**
   * @param tgid who we are, as the initial pid namespace counts; it is in the events' names
   * @param isDead says whether another tracer's process is gone, whose events are removed then; null: nobody knows
   */
  constructor(tgid: () => number, isDead: ((tgid: number) => boolean) | null) {
    this.#tgid = tgid;
    this.#isDead = isDead;
  }

  /** Makes one: the event, to be attached to. @throws NativeError */
  add(function_: string): Kretprobe {
    if (this.#commands < 0) this.#open();
    // kprobe_profile has no groups: the number is in the name, too
    const name = `r${this.#group.slice(group.length)}_${this.#made++}_${function_}`.slice(0, longestName);
    const error = this.#write(`r${most}:${this.#group}/${name} ${function_}\n`);
    if (error < 0) throw new NativeError("make", `a kretprobe of ${function_}`, error);
    return { group: this.#group, name };
  }

  /** Takes one away, when nothing is attached to it any more. */
  remove({ group, name }: Kretprobe): void {
    this.#write(`-:${group}/${name}\n`);
    this.#profile.delete(name);
  }

  /** How many returns were missed, for there were too many calls under way. */
  misses({ name }: Kretprobe): number {
    if (performance.now() - this.#profiled > freshness) this.#readProfile();
    return this.#profile.get(name) ?? 0;
  }

  #open(): void {
    const folder = folders.find((path) => existsSync(`${path}/kprobe_events`));
    const path = `${folder ?? folders[0]}/kprobe_events`;
    const fd = open(path, O.WRONLY | O.APPEND);
    if (fd < 0) throw new NativeError("open", path, fd);
    this.#folder = folder!;
    this.#commands = fd;
    this.#group = `${group}${this.#tgid()}`;
    this.#removeLeftovers();
  }

  /** Tracers that were killed leave theirs behind, and one of them may have had our number. */
  #removeLeftovers(): void {
    const events = readFileSync(`${this.#folder}/kprobe_events`, "utf8");
    for (const [, group = "", tgid, name = ""] of events.matchAll(/^[pr]\d*:(ipcdump_(\d+))\/(\S+)/gm)) {
      if (group === this.#group || this.#isDead?.(Number(tgid))) this.#write(`-:${group}/${name}\n`);
    }
  }

  /** One command, or -errno. */
  #write(command: string): number {
    return write(this.#commands, encoder.encode(command));
  }

  /** `  NAME  HITS  MISSES` a line */
  #readProfile(): void {
    this.#profiled = performance.now();
    let text: string;
    try {
      text = readFileSync(`${this.#folder}/kprobe_profile`, "utf8");
    } catch {
      return; // privileges are given up by then, and root may have closed it
    }
    for (const [, name = "", misses] of text.matchAll(/^\s*(r\d+_\d+_\w+)\s+\d+\s+(\d+)$/gm)) {
      this.#profile.set(name, Number(misses));
    }
  }

  [Symbol.dispose](): void {
    if (this.#commands >= 0) close(this.#commands);
    this.#commands = -1;
  }
}

/** One of them: the event of perf's. */
export interface Kretprobe {
  readonly group: string;
  readonly name: string;
}
