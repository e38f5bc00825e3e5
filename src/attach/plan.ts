/** A kind on its way to a back end: those still to be tried, and why it had to give up the others. */
import { describe, Errno, type NativeError, remedyAgainst } from "../../ffi/error.ts";
import type { BpfObject } from "../../ffi/object.ts";
import { type Backend, backends, type Program, ProgramError } from "../../ffi/program.ts";
import { Failure } from "../failure.ts";
import type { KindModule } from "../kinds/kind.ts";
import { log } from "../log.ts";

/** Why a kind can't have a back end. */
export interface Refusal {
  reason: string;
  /** the kernel's answer, 0 when it was not asked */
  errno: number;
}

/** A kind that is traced, and how. */
export class Traced {
  readonly #programs: Program[];
  readonly #unseen: string[];

  constructor(
    readonly kind: KindModule,
    readonly backend: Backend,
    programs: readonly Program[],
    unseen: readonly string[],
  ) {
    this.#programs = [...programs];
    this.#unseen = [...unseen];
  }

  get programs(): readonly Program[] {
    return this.#programs;
  }

  /** as the `tracing` line says it */
  get unseen(): readonly string[] {
    return this.#unseen;
  }

  /** Which of the ways that its back end has: `fexit`, `kprobe.session`, `kprobe + kretprobe`. */
  get rung(): string {
    const ways = new Set(this.#programs.map(({ way }) => way));
    if (ways.has("kprobe.session")) return "kprobe.session";
    if (ways.has("kretprobe")) return "kprobe + kretprobe";
    return this.backend === "fentry" && ways.has("fexit") ? "fexit" : this.backend;
  }

  /** Whether the kind is traced without this program, too. */
  isOptional({ hook, backend }: Program): boolean {
    return backend === "kprobe" && this.kind.optional?.[hook] !== undefined;
  }

  /** Leaves out a program that this kernel has no place for. */
  doWithout(program: Program, error: ProgramError): void {
    const { hook } = program;
    log.verbose(leftOut(this.kind, error));
    this.#programs.splice(this.#programs.indexOf(program), 1);
    const lack = this.kind.optional?.[hook];
    if (typeof lack === "string" && !this.#unseen.includes(lack)) this.#unseen.push(lack);
  }
}

export class Plan {
  /** back ends still to be tried, the first is the current one */
  #candidates: Backend[] = [];
  /** optional hooks whose programs this kernel refused */
  readonly #without = new Set<string>();
  /** the last back end that was given up */
  #refused: (Refusal & { backend: Backend }) | null = null;

  constructor(readonly kind: KindModule) {}

  /** Whether a back end is left to be tried. */
  get isOpen(): boolean {
    return this.#candidates.length > 0;
  }

  /**
   * Decides which back ends are tried.
   * @param order those that are asked for, the best first
   * @param absent those that this kernel can't have
   */
  begin(object: BpfObject, order: readonly Backend[], absent: ReadonlyMap<Backend, Refusal>): void {
    const offered = new Set(
      this.#programsOf(object).flatMap(({ hook, backend }) =>
        backend === "any" ? (this.kind.within?.[hook] ?? []) : [backend],
      ),
    );
    const wanted = order.filter((backend) => offered.has(backend));
    // a kind with one way to be seen is seen that way, whatever is asked for
    const all = wanted.length > 0 ? wanted : backends.filter((backend) => offered.has(backend));
    if (all.length === 0) all.push("tracepoint");
    for (const [backend, refusal] of absent) if (all.includes(backend)) this.#refuse(backend, refusal);
    this.#candidates = all.filter((backend) => !absent.has(backend));
  }

  /** Lets load take in the programs of the current back end. @throws ProgramError */
  select(object: BpfObject): Traced {
    const { kind } = this;
    const backend = this.#candidates[0]!;
    const unseen = new Set(kind.blind[backend]);
    const programs = this.#programsOf(object).filter((program) => {
      if (program.backend !== backend && program.backend !== "any") return false;
      if (!this.#has(program.hook)) return false;
      const lack = kind.optional?.[program.hook];
      try {
        if (!this.#without.has(program.hook)) {
          program.aim(kind.hooks[program.hook]!);
          return true;
        }
      } catch (error) {
        if (!(error instanceof ProgramError) || lack === undefined) throw error;
        log.verbose(leftOut(kind, error));
      }
      if (lack !== undefined && lack !== null) unseen.add(lack);
      return false;
    });
    for (const program of programs) program.enable(true);
    return new Traced(kind, backend, programs, [...unseen]);
  }

  /** Whether the program at fault is one of this plan's, so that it has to do without. */
  isHitBy({ program, errno }: ProgramError): boolean {
    if (!this.isOpen) return false;
    if (isForbidden(program, errno)) return this.#candidates[0] === "fentry";
    return this.#has(program.hook);
  }

  /** Goes on without the program at fault where it is optional, else with the next back end. */
  doWithout(error: ProgramError): void {
    const { hook, backend } = error.program;
    // another back end would have the same
    if (backend === "any" && this.kind.optional?.[hook] !== undefined) {
      this.#without.add(hook);
      log.verbose(leftOut(this.kind, error));
      return;
    }
    this.#refuse(this.#candidates.shift()!, { reason: said(error), errno: error.errno });
  }

  /** Why the kind is not traced: `fentry: cannot load …`. */
  get reason(): string {
    return this.#refused === null ? "" : `${this.#refused.backend}: ${this.#refused.reason}`;
  }

  get remedy(): string {
    const { backend, errno } = this.#refused ?? { backend: null, errno: 0 };
    const resource = remedyAgainst(errno);
    if (resource !== null) return resource;
    if (backend === "tracepoint") return "run: ipcdump doctor";
    return errno === Errno.EPERM
      ? "try --backend tracepoint or more privileges, or run: ipcdump doctor"
      : "try another --backend, or run: ipcdump doctor";
  }

  /** The error for a kind that -t named and that can't be traced. */
  get failure(): Failure {
    return new Failure(`not tracing ${this.kind.name}: ${this.reason}; ${this.remedy}`);
  }

  #refuse(backend: Backend, refusal: Refusal): void {
    this.#refused = { ...refusal, backend };
    log.verbose(`${this.kind.name}: not ${this.reason}`);
  }

  #programsOf(object: BpfObject): Program[] {
    return object.programs.filter(({ hook }) => this.kind.hooks[hook] !== undefined);
  }

  /** Whether the kind has a hook with the current back end. */
  #has(hook: string): boolean {
    const backend = this.#candidates[0];
    if (backend === undefined || this.kind.hooks[hook] === undefined) return false;
    return this.kind.within?.[hook]?.includes(backend) ?? true;
  }
}

function leftOut({ name }: KindModule, { program, message }: ProgramError): string {
  return `${name}: ${program.hook} is left out: ${message}`;
}

/**
 * The operation that failed, its target and the reason: `cannot load pipe_read__fentry: EINVAL, invalid argument`.
 */
export function said({ operation, target, errno }: NativeError): string {
  return `cannot ${operation} ${target}: ${describe(errno)}`;
}

/** Whether the kernel does not permit fentry at all, whatever the function. */
function isForbidden({ backend }: Program, errno: number): boolean {
  return errno === Errno.EPERM && backend === "fentry";
}
