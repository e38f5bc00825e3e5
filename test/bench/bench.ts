import { existsSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import type { Backend } from "../../ffi/program.ts";
import type { Figure } from "./figure.ts";

/** What a row is told. */
export interface Bench {
  rounds: number;
  /** of the usual amount of work, how much: 1, or less for trying, and in a VM */
  scale: number;
  backend: Backend;
  /** the core of the workload */
  cpu: number;
  /** where output goes; a file system in memory, when there is one */
  folder: string;
  inVm: boolean;
  /** a nanosecond of CPU time is an instruction: one round is as good as another */
  countsInstructions: boolean;
  /** said while it runs */
  say(line: string): void;
}

export type Row = (bench: Bench) => Promise<Figure[]>;

export function lastCpu(): number {
  return cpus().length - 1;
}

export function outputFolder(): string {
  return existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
}
