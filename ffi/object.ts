/**
 * The BPF object: open → configure → choose programs → load → attach. Programs are named
 * `hook__backend`, as in `pipe_read__fentry`; `hook__any` goes with every back end. Those of
 * tracepoints that run in process context are there twice, the second named `hook__backend__perf`.
 */
import { type Pointer, ptr } from "bun:ffi";
import { readSync } from "node:fs";
import { Errno, NativeError } from "./error.ts";
import { whole } from "./halves.ts";
import { type Libbpf, LibbpfLog, pointerOf } from "./libbpf.ts";
import { close, lastErrno } from "./libc.ts";
import { Life } from "./life.ts";
import { BpfMap } from "./map.ts";

export const backends = ["fentry", "kprobe", "tracepoint"] as const;
export type Backend = (typeof backends)[number];

/** Kernel functions (or tracepoints) by hook; of several names the first that this kernel has is it. */
export type Hooks = Readonly<Record<string, readonly string[]>>;

const perfVariant = "__perf";
const infoSize = 256;
const openOptionsSize = 80;
/** bytes read of an iterator at once; the kernel gives 8 pages at most */
const iteratorRoom = 1 << 16;
/** of struct bpf_object_open_opts, in its words of 64 bits */
const kernelLogLevel = 72 / 8;
/** BPF_LOG_STATS */
const verifierStatistics = 4n;
/** offset of recursion_misses in struct bpf_prog_info, in words; the kernel zeroes what it does not know */
const missesWord = 208 / 4;
/** Asked for all day: made anew each time they were what the garbage collector ran for, once a second. */
const info = new Uint32Array(infoSize / 4);
const length = new Uint32Array(1);

/** One BPF program of the object. */
export class Program {
  readonly name: string;
  /** `pipe_read` */
  readonly hook: string;
  readonly backend: Backend | "any";
  /** attached to perf's tracepoint, in place of the raw one */
  readonly isByPerf: boolean;
  /** the kernel function it sits on, once that is decided */
  target = "";
  readonly #libbpf: Libbpf;
  readonly #pointer: Pointer;
  readonly #life: Life;

  constructor(libbpf: Libbpf, program: Pointer, life: Life) {
    this.#libbpf = libbpf;
    this.#pointer = program;
    this.#life = life;
    this.name = String(libbpf.bpf_program__name(program));
    const [hook, backend, variant] = this.name.split("__") as [string, Backend | "any", string?];
    this.hook = hook;
    this.backend = backend;
    this.isByPerf = `__${variant}` === perfVariant;
  }

  get #program(): Pointer {
    this.#life.check();
    return this.#pointer;
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
    if (this.backend === "kprobe" || this.isByPerf) return;
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
    let link: Pointer | null = null;
    if (this.backend === "kprobe") {
      const section = String(this.#libbpf.bpf_program__section_name(this.#program));
      const atReturn = section.includes("kretprobe/");
      for (const name of functions) {
        this.target = name;
        link = pointerOf(this.#libbpf.bpf_program__attach_kprobe(this.#program, atReturn, name as never));
        if (link !== null) break;
      }
    } else {
      link = pointerOf(this.#libbpf.bpf_program__attach(this.#program));
    }
    if (link !== null) return new Link(this.#libbpf, link);
    throw new ProgramError("attach", this, lastErrno());
  }

  /** How often the kernel skipped it because it was running already (0 before 5.12, which does not say). */
  misses(): number {
    info.fill(0); // addresses of what else the kernel may fill are in there
    length[0] = infoSize;
    const fd = this.#libbpf.bpf_program__fd(this.#program);
    if (this.#libbpf.bpf_prog_get_info_by_fd(fd, ptr(info), ptr(length)) !== 0) return 0;
    return whole(info[missesWord]!, info[missesWord + 1]!);
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

  constructor(libbpf: Libbpf, link: Pointer) {
    this.#libbpf = libbpf;
    this.#link = link;
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
    if (this.#life.end()) this.#libbpf.bpf_link__destroy(this.#link);
  }
}

export class BpfObject implements Disposable {
  readonly programs: readonly Program[];
  readonly #libbpf: Libbpf;
  readonly #pointer: Pointer;
  /** its maps' and programs', too */
  readonly #life = new Life("the BPF object");
  /** libbpf points into these until it has loaded */
  readonly #kept: Uint8Array[];
  readonly #log: LibbpfLog;

  /**
   * `programs` holds one of each pair: the one by perf if `byPerf`, else the raw one.
   * @throws NativeError
   */
  static open(
    libbpf: Libbpf,
    bytes: Uint8Array,
    byPerf: boolean,
    listener: ((line: string) => void) | null,
  ): BpfObject {
    const log = new LibbpfLog(libbpf, listener);
    const name = new TextEncoder().encode("ipcdump\0");
    // struct bpf_object_open_opts { size_t sz; const char *object_name; … __u32 kernel_log_level at 72 }
    const options = new BigUint64Array(openOptionsSize / 8);
    options[0] = BigInt(openOptionsSize);
    options[1] = BigInt(ptr(name));
    // a listener hears how long the verifier took over each program
    if (listener !== null) options[kernelLogLevel] = verifierStatistics;
    const object = pointerOf(libbpf.bpf_object__open_mem(bytes, bytes.length, options));
    if (object === null) {
      log[Symbol.dispose]();
      throw new NativeError("open", "the BPF object", lastErrno(), log.lines.join("\n"));
    }
    return new BpfObject(libbpf, object, [bytes, name], byPerf, log);
  }

  private constructor(libbpf: Libbpf, object: Pointer, kept: Uint8Array[], byPerf: boolean, log: LibbpfLog) {
    this.#libbpf = libbpf;
    this.#pointer = object;
    this.#kept = kept;
    this.#log = log;
    const programs: Program[] = [];
    for (let p = this.#next(null); p !== null; p = this.#next(p))
      programs.push(new Program(libbpf, p, this.#life));
    const twins = new Set(programs.filter(({ isByPerf }) => isByPerf).map(({ name }) => name));
    this.programs = programs.filter(({ name, isByPerf }) =>
      byPerf ? !twins.has(`${name}${perfVariant}`) : !isByPerf,
    );
  }

  get #object(): Pointer {
    this.#life.check();
    return this.#pointer;
  }

  #next(program: Pointer | null): Pointer | null {
    return pointerOf(this.#libbpf.bpf_object__next_program(this.#object, program));
  }

  map(name: string): BpfMap {
    const map = pointerOf(this.#libbpf.bpf_object__find_map_by_name(this.#object, name as never));
    if (map === null) throw new NativeError("find", `map ${name} in the BPF object`, Errno.ENOENT);
    return new BpfMap(this.#libbpf, map, name, this.#life);
  }

  /** @throws ProgramError where libbpf said which program is at fault, else NativeError */
  load(): void {
    const result = this.#libbpf.bpf_object__load(this.#object);
    if (result === 0) {
      this.#kept.length = 0;
      return;
    }
    const log = this.#log.lines.join("\n");
    const named = /prog '(\w+)': failed to load/.exec(log)?.[1];
    const program = this.programs.find(({ name }) => name === named);
    // a map that there was no descriptor for is noticed only then, as a wrong argument
    const errno = log.includes("is not pointing to valid bpf_map") ? Errno.EMFILE : result;
    if (program === undefined) throw new NativeError("load", "the BPF object", errno, log);
    throw new ProgramError("load", program, errno, log);
  }

  [Symbol.dispose](): void {
    if (!this.#life.end()) return;
    this.#libbpf.bpf_object__close(this.#pointer);
    this.#kept.length = 0;
    this.#log[Symbol.dispose]();
  }
}
