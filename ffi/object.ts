/**
 * The BPF object: open → configure → choose programs → load → attach. Programs are named
 * `hook__backend`, as in `pipe_read__fentry`; `hook__any` goes with every back end. Of several for one hook and
 * back end each has another word behind that: those of tracepoints that run in process context are there twice, the
 * second named `hook__backend__perf`; at the return of a function there is one for kprobe.session,
 * `hook__kprobe__session`, and the two that are in its place elsewhere, `…__entry` and `…__return`.
 */
import { type Pointer, ptr } from "bun:ffi";
import { Errno, NativeError } from "./error.ts";
import type { Kretprobes } from "./kretprobes.ts";
import { type Libbpf, LibbpfLog, pointerOf } from "./libbpf.ts";
import { lastErrno } from "./libc.ts";
import { Life } from "./life.ts";
import { BpfMap } from "./map.ts";
import { Program, ProgramError } from "./program.ts";

const openOptionsSize = 80;
/** of struct bpf_object_open_opts, in its words of 64 bits */
const kernelLogLevel = 72 / 8;
/** BPF_LOG_STATS */
const verifierStatistics = 4n;

/** Which programs are taken where there are several for one hook and back end. */
export interface Variants {
  /** perf's tracepoints in place of raw ones, where there are both */
  perf: boolean;
  /** kprobe.session in place of kprobe and kretprobe */
  session: boolean;
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

  /** @throws NativeError */
  static open(
    libbpf: Libbpf,
    bytes: Uint8Array,
    variants: Variants,
    kretprobes: Kretprobes,
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
    return new BpfObject(libbpf, object, [bytes, name], variants, kretprobes, log);
  }

  private constructor(
    libbpf: Libbpf,
    object: Pointer,
    kept: Uint8Array[],
    variants: Variants,
    kretprobes: Kretprobes,
    log: LibbpfLog,
  ) {
    this.#libbpf = libbpf;
    this.#pointer = object;
    this.#kept = kept;
    this.#log = log;
    const programs: Program[] = [];
    for (let p = this.#next(null); p !== null; p = this.#next(p))
      programs.push(new Program(libbpf, p, this.#life, kretprobes));
    const byPerf = new Set(
      programs.filter(({ variant }) => variant === "perf").map(({ hook, backend }) => `${hook}__${backend}`),
    );
    const isTaken: Readonly<Record<string, (name: string) => boolean>> = {
      perf: () => variants.perf,
      session: () => variants.session,
      entry: () => !variants.session,
      return: () => !variants.session,
      "": (name) => !variants.perf || !byPerf.has(name),
    };
    this.programs = programs.filter(({ name, variant }) => isTaken[variant]?.(name));
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
