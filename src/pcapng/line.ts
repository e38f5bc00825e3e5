/**
 * The lines of `-f text` without their time, read back: `pipe 1(sh) > 2(cat): pipe_name <anonymous>, count 18`.
 * The text format writes out whatever could be taken for the end of a name or of a value, so a line has one meaning.
 */
import { wordSpan } from "../../ffi/halves.ts";
import { unescapeText } from "../bytes/escape.ts";
import { latin1 } from "../bytes/latin1.ts";
import { same } from "../bytes/same.ts";
import {
  type End,
  type Event,
  findKey,
  type Key,
  type Kind,
  type Lost,
  type LostReason,
  type Meta,
  type PassedFile,
} from "../event.ts";
import type { Identity } from "../identity.ts";
import type { RecordedEnds } from "./identities.ts";

const event = /^(\S+) (-?\d{1,10})\((.*?)\) > (-?\d{1,10})\((.*?)\): (.*)$/s;
const loss = /^lost (\S+): count (\d{1,16}), reason (\S+)$/;
const unknown = "<unknown>";
const most64 = 2n ** 64n;
/** texts kept, and the bytes of the longest of them: paths are no longer */
const texts = 4096;
const longest = 4096;
const encoder = new TextEncoder();

/** A member of meta. */
interface MetaMember {
  readonly key: Key;
  readonly text: Uint8Array | null;
  readonly low: number;
  readonly high: number;
  readonly files?: readonly PassedFile[];
}

export class Lines {
  /** the same array for the same text, as formats expect */
  #texts = new Map<string, Uint8Array>();
  #members: MetaMember[] = [];
  readonly #identities = new WeakMap<Identity, { comm: Uint8Array; who: Identity }>();

  /** @param kinds the words that name a kind */
  constructor(private readonly kinds: ReadonlySet<string>) {}

  /**
   * Fills an event, but for its time and contents; false when the line is none.
   * @param ends who they are, where that was recorded: their labels stand behind the names
   */
  read(line: Uint8Array, into: Event, ends: RecordedEnds | null = null): boolean {
    const found = event.exec(latin1(line));
    if (found === null) return false;
    const [, kind = "", srcPid, srcComm = "", dstPid, dstComm = "", rest = ""] = found;
    if (!this.kinds.has(kind)) return false;
    into.kind = kind as Kind;
    into.countLow = 0;
    into.countHigh = 0;
    this.#members = [];
    if (!this.#fill(into.src, Number(srcPid), srcComm, ends?.src ?? null)) return false;
    if (!this.#fill(into.dst, Number(dstPid), dstComm, ends?.dst ?? null)) return false;
    for (const part of rest === "" ? [] : rest.split(", ")) if (!this.#add(part, into)) return false;
    into.meta = this.#meta;
    return true;
  }

  /** Fills a loss, but for its time; false when the line is none. */
  readLost(line: Uint8Array, into: Lost): boolean {
    const [, kind = "", count, reason] = loss.exec(latin1(line)) ?? [];
    if (kind !== "unknown" && !this.kinds.has(kind)) return false;
    into.kind = kind as Lost["kind"];
    into.count = Number(count);
    into.reason = reason as LostReason;
    return true;
  }

  readonly #meta = (out: Meta): void => {
    for (const { key, text, low, high, files } of this.#members) {
      if (files !== undefined) out.passed?.(key, files);
      else if (key.value === "flag") out.flag(key);
      else if (text !== null) out.text(key, text);
      else out.integer(key, low, high);
    }
  };

  #fill(end: End, pid: number, name: string, who: Identity | null): boolean {
    end.pid = pid;
    end.guess = false;
    end.tag = 0;
    end.who = null;
    const label = who === null ? "" : latin1(who.label);
    const comm = name.endsWith(label) ? name.slice(0, name.length - label.length) : name;
    end.comm = comm === unknown ? null : this.#text(comm);
    if (who !== null && end.comm !== null) this.#identify(end, end.comm, who);
    return end.comm !== null || comm === unknown;
  }

  /** The same array for the same name of the same identity, and another one for others. */
  #identify(end: End, comm: Uint8Array, who: Identity): void {
    let known = this.#identities.get(who);
    if (known === undefined || !same(known.comm, comm)) {
      const label = unescapeText(who.label, 0, who.label.length) ?? who.label;
      known = { comm: comm.slice(), who: { ...who, title: new Uint8Array([...comm, ...label]) } };
      this.#identities.set(who, known);
    }
    end.comm = known.comm;
    end.who = known.who;
  }

  /** `name value`; what the formats add by themselves is kept elsewhere */
  #add(part: string, into: Event): boolean {
    const space = part.indexOf(" ");
    const [name, value] = [part.slice(0, space), part.slice(space + 1)];
    const key = space < 0 ? undefined : findKey(name);
    if (key === undefined) return false;
    if (name === "src_guess") into.src.guess = true;
    else if (name === "dst_guess") into.dst.guess = true;
    else if (name === "captured") return /^\d+$/.test(value);
    else if (key.value === "text") return this.#push(key, this.#text(value), 0, 0);
    else if (key.value === "flag") return this.#push(key, null, 0, 0);
    else if (key.value === "passed") return this.#passed(key, value);
    else return this.#number(key, value, into);
    return true;
  }

  #number(key: Key, value: string, into: Event): boolean {
    if (!/^\d{1,20}$/.test(value)) return false;
    let low = Number(value);
    let high = 0;
    if (low >= wordSpan) {
      const exact = BigInt(value);
      if (exact >= most64) return false;
      high = Number(exact >> 32n);
      low = Number(exact & 0xffff_ffffn);
    }
    if (key.name === "count") {
      into.countLow = low;
      into.countHigh = high;
    }
    return this.#push(key, null, low, high);
  }

  #passed(key: Key, value: string): boolean {
    const files = passedFrom(Buffer.from(value, "latin1").toString());
    if (files === null) return false;
    this.#members.push({ key, text: null, low: 0, high: 0, files });
    return true;
  }

  #push(key: Key, text: Uint8Array | null, low: number, high: number): boolean {
    if (key.value === "text" && text === null) return false;
    this.#members.push({ key, text, low, high });
    return true;
  }

  /** `escaped` has one character a byte. */
  #text(escaped: string): Uint8Array | null {
    const known = this.#texts.get(escaped);
    if (known !== undefined) return known;
    const bytes = Uint8Array.from(escaped, (character) => character.charCodeAt(0));
    const text = unescapeText(bytes, 0, bytes.length);
    if (text === null) return null;
    const kept = text.slice();
    if (kept.length > longest) return kept;
    if (this.#texts.size >= texts) this.#texts = new Map();
    this.#texts.set(escaped, kept);
    return kept;
  }
}

/** Descriptors as -f json has them; null for what is not that. */
function passedFrom(text: string): PassedFile[] | null {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(list)) return null;
  return list.map((one: Record<string, unknown>) => ({
    fd: typeof one.fd === "number" ? one.fd : -1,
    what: `${one.what}`,
    path: typeof one.path === "string" ? encoder.encode(one.path) : null,
    given: typeof one.dst_fd === "number" ? one.dst_fd : -1,
  }));
}
