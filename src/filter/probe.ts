/** What filters look for in an event's meta. */
import { same } from "../bytes/same.ts";
import type { Event, File, Key, Meta } from "../event.ts";
import type { WantedPath } from "./path.ts";

/** Reads out of meta what --path, --port and --signal want to know. Allocates nothing. */
export class Probe implements Meta {
  #matched = false;

  /** @param names the keys of the numbers */
  constructor(
    private readonly paths: readonly WantedPath[],
    private readonly numbers: readonly number[],
    private readonly names: readonly string[] = [],
  ) {}

  /** Whether it is in an event. */
  isIn(event: Event): boolean {
    this.#matched = false;
    event.meta(this);
    return this.#matched;
  }

  text(key: Key, value: Uint8Array): void {
    if (this.#matched || !isPath(key)) return;
    for (let i = 0; i < this.paths.length; i++) {
      if (this.paths[i]!.matches(value)) this.#matched = true;
    }
  }

  file(file: File): void {
    for (let i = 0; i < this.paths.length && !this.#matched; i++) {
      this.#matched = this.paths[i]!.isOf(file);
    }
  }

  integer({ name }: Key, low: number, high: number): void {
    if (high === 0 && this.names.includes(name) && this.numbers.includes(low)) this.#matched = true;
  }

  flag(): void {}
}

/** A terminal by its name in the devpts instance of a device, as the kernel has that; 0: in any. */
export interface Instance {
  readonly name: Uint8Array;
  readonly device: number;
}

/** Finds the terminal of a pty event in a list. */
export class Terminal implements Meta {
  found = false;
  wanted: readonly Instance[] = [];
  #name: Uint8Array | null = null;

  text(key: Key, value: Uint8Array): void {
    if (key.name !== "tty_name") return;
    this.#name = value;
    this.#look(0);
  }

  file({ device }: File): void {
    this.#look(device);
  }

  #look(device: number): void {
    for (let i = 0; i < this.wanted.length; i++) {
      const one = this.wanted[i]!;
      if (one.device === device && this.#name !== null && same(one.name, this.#name)) this.found = true;
    }
  }

  integer(): void {}
  flag(): void {}
}

const ports = ["src_port", "dst_port", "nat_port"];
const signals = ["num"];

/** null where nothing is asked for */
export function pathProbe(wanted: readonly WantedPath[]): Probe | null {
  return wanted.length === 0 ? null : new Probe(wanted, []);
}

/** null where nothing is asked for */
export function portProbe(wanted: readonly number[]): Probe | null {
  return wanted.length === 0 ? null : new Probe([], wanted, ports);
}

/** null where nothing is asked for */
export function signalProbe(wanted: readonly number[]): Probe | null {
  return wanted.length === 0 ? null : new Probe([], wanted, signals);
}

function isPath({ name }: Key): boolean {
  return name === "pipe_name" || name === "path" || name === "src_path" || name === "tty_name";
}
