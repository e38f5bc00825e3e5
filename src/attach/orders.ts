/** The orders that decide what runs in the kernel. */
import type { Backend } from "../../ffi/program.ts";
import type { Kind } from "../event.ts";
import type { Wanted } from "../filter/wanted.ts";

/** Of what is asked for that part which decides what runs in the kernel; src/command/arguments.ts says more of each. */
export interface Orders {
  backend: Backend | "auto";
  named: readonly Kind[];
  wanted: Wanted;
  bytes: boolean;
  maxBytes: number;
  kernelSignals: boolean;
  who: boolean;
  command: readonly string[] | null;
  ring: number;
  verbosity: number;
  /** nothing is asked for but sums of events that are alike */
  sums: boolean;
}
