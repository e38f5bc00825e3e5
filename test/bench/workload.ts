import { programPath } from "../harness/programs.ts";
import type { Bench } from "./bench.ts";

/** What a workload took, without its set-up, in nanoseconds: of the clock, and of all its processes. */
export interface Took {
  wall: number;
  cpu: number;
}

export interface Workload {
  name: string;
  /** words of the program, the CPU it is pinned to in front */
  program: "traffic" | "spin" | "execs";
  words: readonly string[];
  /** messages or calls */
  count: number;
  /** messages a second; 0: as fast as it goes */
  rate?: number;
}

export const KINDS = { pipe: "pipe", unix: "unix-stream", tcp: "loopback-tcp" } as const;
export type Channel = keyof typeof KINDS;

/** `count` messages there and back, so twice as many events */
export function pingPong(bench: Bench, channel: Channel, size: number, count: number): Workload {
  const scaled = Math.max(500, Math.round(count * bench.scale));
  const words = [channel, "pingpong", String(size)];
  return { name: `${channel} ping-pong, ${sized(size)}`, program: "traffic", words, count: scaled };
}

/** The same while a third process could receive as well. */
export function sharedPingPong(bench: Bench, channel: Channel, size: number, count: number): Workload {
  const { name, words, ...rest } = pingPong(bench, channel, size, count);
  return { ...rest, name: `${name}, of which one end is shared`, words: [words[0]!, "shared", words[2]!] };
}

export function flood(bench: Bench, channel: Channel, size: number, count: number, rate = 0): Workload {
  const scaled = Math.max(500, Math.round(count * bench.scale));
  const words = [channel, "flood", String(size)];
  return { name: `${channel} one way, ${sized(size)}`, program: "traffic", words, count: scaled, rate };
}

export type Spin = "getppid" | "compute" | "mutex" | "devices" | "open";

export function spin(bench: Bench, what: Spin, count: number): Workload {
  const scaled = Math.max(1000, Math.round(count * bench.scale));
  return { name: what, program: "spin", words: [what], count: scaled };
}

/** `count` programs that are started and end at once, `rate` a second */
export function executions(bench: Bench, count: number, rate: number): Workload {
  const scaled = Math.max(200, Math.round(count * bench.scale));
  return { name: `${rate} exec a second`, program: "execs", words: [], count: scaled, rate };
}

/** Runs it to its end; `before` are words in front, for tracers that start what they trace. */
export async function run(bench: Bench, workload: Workload, before: readonly string[] = []): Promise<Took> {
  const path = await programPath(workload.program);
  const command = [...before, path, String(bench.cpu), ...workload.words, String(workload.count)];
  if (workload.rate) command.push(String(workload.rate));
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, errors, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const [wall, cpu] = out.trim().split(" ").map(Number);
  if (status !== 0 || !wall || !cpu) throw new Error(`${command.join(" ")}: ${errors || out}`);
  return { wall, cpu };
}

function sized(size: number): string {
  return size >= 1024 ? `${size / 1024} KB` : `${size} B`;
}
