/** One program of the BPF object, and what it is attached by. */
import { type Pointer, ptr } from "bun:ffi";
import { readSync } from "node:fs";
import { Errno, NativeError } from "./error.ts";
import { whole } from "./halves.ts";
import type { Kretprobe, Kretprobes } from "./kretprobes.ts";
import { type Libbpf, pointerOf } from "./libbpf.ts";
import { close, lastErrno } from "./libc.ts";
import { Life } from "./life.ts";

export const backends = ["fentry", "kprobe", "tracepoint"] as const;
export type Backend = (typeof backends)[number];

/** Kernel functions (or tracepoints) by hook; of several names the first that this kernel has is it. */
export type Hooks = Readonly<Record<string, readonly string[]>>;

const infoSize = 256;
/** bytes read of an iterator at once; the kernel gives 8 pages at most */
const iteratorRoom = 1 << 16;
/** offset of recursion_misses in struct bpf_prog_info, in words; the kernel zeroes what it does not know */
const missesWord = 208 / 4;
/** Asked for all day: made anew each time they were what the garbage collector ran for, once a second. */
const info = new Uint32Array(infoSize / 4);
const length = new Uint32Array(1);

/** What the sections of programs begin with, and how that is called. */
const ways: Readonly<Record<string, string>> = {
  tp_btf: "raw tracepoint",
  tp: "tracepoint",
  iter: "iterator",
};
/** of struct bpf_kprobe_multi_opts, in its words of 64 bits: size_t sz, const char **syms, size_t cnt, bool session */
const multi = { words: 6, symbols: 1, count: 4, flags: 5, session: 1n << 8n } as const;

/** One BPF program of the object. */
export class Program {
  readonly name: string;
  /** `pipe_read` */
  readonly hook: string;
  readonly backend: Backend | "any";
  /** of several that are there for one hook and back end: `perf`, `session`, `entry`, `return`; else empty */
  readonly variant: string;
  /** how it is attached: `fexit`, `kprobe.session`, `raw tracepoint` */
  readonly way: string;
  /** the kernel function it sits on, once that is decided */
  target: string;
  readonly #libbpf: Libbpf;
  readonly #pointer: Pointer;
  readonly #life: Life;
  readonly #kretprobes: Kretprobes;
  #kretprobe: Kretprobe | null = null;

  constructor(libbpf: Libbpf, program: Pointer, life: Life, kretprobes: Kretprobes) {
    this.#libbpf = libbpf;
    this.#pointer = program;
    this.#life = life;
    this.#kretprobes = kretprobes;
    this.name = String(libbpf.bpf_program__name(program));
    const [hook, backend, variant = ""] = this.name.split("__") as [string, Backend | "any", string?];
    this.hook = hook;
    this.backend = backend;
    this.variant = variant;
    const section = String(libbpf.bpf_program__section_name(program)).replace(/^\?/, "");
    const [type = "", ...target] = section.split("/");
    this.way = ways[type] ?? type;
    this.target = target.join("/");
  }

  get #program(): Pointer {
    this.#life.check();
    return this.#pointer;
  }

  /** Whether it runs when something returns, and not when it begins. */
  get isAtReturn(): boolean {
    return this.way === "fexit" || this.way === "kretprobe" || this.way === "kprobe.session";
  }

  /** Whether load takes it in. */
  enable(on: boolean): void {
    this.#libbpf.bpf_program__set_autoload(this.#program, on);
  }

  /**
   * Picks the first of `functions` (or tracepoints) that is in the kernel's BTF. Kprobes are not looked for
   * there, and perf's tracepoints say themselves where they go. @throws ProgramError
   */
  aim(functions: readonly string[]): void {
    if (this.backend === "kprobe" || this.variant === "perf") return;
    let result = -Errno.ENOENT;
    for (const name of functions) {
      result = this.#libbpf.bpf_program__set_attach_target(this.#program, 0, name as never);
      if (result === 0) {
        this.target = name;
        return;
      }
    }
    throw new ProgramError(`find ${functions.join(" or ")} for`, this, result);
  }

  /** @throws ProgramError */
  attach(functions: readonly string[]): Link {
    if (this.backend !== "kprobe") {
      const link = pointerOf(this.#libbpf.bpf_program__attach(this.#program));
      if (link !== null) return new Link(this.#libbpf, link);
      throw new ProgramError("attach", this, lastErrno());
    }
    let failure = new ProgramError("attach", this, Errno.ENOENT);
    for (const name of functions) {
      this.target = name;
      try {
        return this.#attachTo(name);
      } catch (error) {
        if (!(error instanceof NativeError)) throw error;
        const { operation, target, errno } = error;
        failure = new ProgramError(operation === "open" ? `open ${target} for` : "attach", this, errno);
      }
    }
    throw failure;
  }

  /** @throws NativeError */
  #attachTo(name: string): Link {
    if (this.way === "kprobe.session") return this.#link(this.#attachSession(name));
    if (this.way === "kretprobe") return this.#attachReturn(name);
    return this.#link(
      pointerOf(this.#libbpf.bpf_program__attach_kprobe(this.#program, false, name as never)),
    );
  }

  #link(link: Pointer | null, end?: () => void): Link {
    if (link !== null) return new Link(this.#libbpf, link, end);
    const errno = lastErrno();
    end?.();
    throw new NativeError("attach", this.name, errno);
  }

  #attachSession(name: string): Pointer | null {
    const symbol = new TextEncoder().encode(`${name}\0`);
    const symbols = BigUint64Array.of(BigInt(ptr(symbol)));
    const options = new BigUint64Array(multi.words);
    options[0] = BigInt(options.byteLength);
    options[multi.symbols] = BigInt(ptr(symbols));
    options[multi.count] = 1n;
    options[multi.flags] = multi.session;
    return pointerOf(this.#libbpf.bpf_program__attach_kprobe_multi_opts(this.#program, null, options));
  }

  #attachReturn(name: string): Link {
    let kretprobe: Kretprobe;
    try {
      kretprobe = this.#kretprobes.add(name);
    } catch (error) {
      if (this.variant !== "" || !(error instanceof NativeError)) throw error;
      // of a function in which nobody sleeps for long perf's own will do
      return this.#link(
        pointerOf(this.#libbpf.bpf_program__attach_kprobe(this.#program, true, name as never)),
      );
    }
    this.#kretprobe = kretprobe;
    // perf's tracepoint of the event that was made
    const link = this.#libbpf.bpf_program__attach_tracepoint(
      this.#program,
      kretprobe.group as never,
      kretprobe.name as never,
    );
    return this.#link(pointerOf(link), () => {
      this.#kretprobe = null;
      this.#kretprobes.remove(kretprobe);
    });
  }

  /**
   * How often it did not run: the kernel skipped it because it was running already (before 5.12 it does not say), or
   * too many calls were under way for a kretprobe.
   */
  misses(): number {
    const returns = this.#kretprobe === null ? 0 : this.#kretprobes.misses(this.#kretprobe);
    info.fill(0); // addresses of what else the kernel may fill are in there
    length[0] = infoSize;
    const fd = this.#libbpf.bpf_program__fd(this.#program);
    if (this.#libbpf.bpf_prog_get_info_by_fd(fd, ptr(info), ptr(length)) !== 0) return returns;
    return returns + whole(info[missesWord]!, info[missesWord + 1]!);
  }
}

/** A program that could not be aimed, loaded or attached. */
export class ProgramError extends NativeError {
  constructor(
    operation: string,
    readonly program: Program,
    errno: number,
    log = "",
  ) {
    super(operation, program.name, errno, log);
  }
}

/** A program attached; disposed, it is off. */
export class Link implements Disposable {
  readonly #libbpf: Libbpf;
  readonly #link: Pointer;
  readonly #life = new Life("a link of a BPF program");

  readonly #end: (() => void) | undefined;

  /** @param end what goes with it, once it is off */
  constructor(libbpf: Libbpf, link: Pointer, end?: () => void) {
    this.#libbpf = libbpf;
    this.#link = link;
    this.#end = end;
  }

  /** Runs an iterator once, over all there is; it writes nothing. @throws NativeError */
  iterate(): void {
    this.#read(new Uint8Array(1), 1, () => {});
  }

  /**
   * The same for one that writes records of a type: `take` gets each of them in the same reader.
   * @throws NativeError
   */
  eachRecord<Reader extends { at: number }>(
    type: { readonly size: number; new (words: Uint32Array): Reader },
    take: (record: Reader) => void,
  ): void {
    const { size } = type;
    const words = new Uint32Array(iteratorRoom / 4);
    const record = new type(words);
    this.#read(new Uint8Array(words.buffer, 0, iteratorRoom - (iteratorRoom % size)), size, (length) => {
      for (let at = 0; at < length; at += size) {
        record.at = at / 4;
        take(record);
      }
    });
  }

  /** Reads into `room`, again and again; `take` gets how many bytes of it are whole records of `size` bytes. */
  #read(room: Uint8Array, size: number, take: (length: number) => void): void {
    this.#life.check();
    const fd = this.#libbpf.bpf_iter_create(this.#libbpf.bpf_link__fd(this.#link));
    if (fd < 0) throw new NativeError("run", "an iterator", fd);
    try {
      let length = 0;
      for (;;) {
        const n = readSync(fd, room, length, room.length - length, null);
        if (n <= 0) return;
        length += n;
        const complete = length - (length % size);
        take(complete);
        room.copyWithin(0, complete, length);
        length -= complete;
      }
    } finally {
      close(fd);
    }
  }

  [Symbol.dispose](): void {
    if (!this.#life.end()) return;
    this.#libbpf.bpf_link__destroy(this.#link);
    this.#end?.();
  }
}
