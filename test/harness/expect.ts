import { expect } from "bun:test";
import type { Trace, TraceEvent } from "./trace.ts";
import type { Moved, Role, Sent, Truth } from "./truth.ts";

/** An event without its time, its contents cut to what fits a failure's text. */
export type Timeless = Omit<TraceEvent, "time">;

export const UNKNOWN: Role = { pid: -1, comm: "<unknown>" };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d)$/;
/** How far a time may be off, in milliseconds: the contract's 50, and the test's own rounding. */
export const TIME_ERROR = 51;

export interface Tolerance {
  /** writes overlap or last long here, so back ends that must guess may, and say so */
  guesses?: boolean;
}

/** Waits until all is printed, then compares every event of the workload's pipes, whole, with its truth. */
export async function expectMoved(trace: Trace, truth: Truth, tolerance: Tolerance = {}): Promise<void> {
  await trace.settle();
  const inodes = [...truth.pipes.values()].map((pipe) => pipe.inode);
  const events = trace.onPipes(inodes);
  checkTimes(events, truth);
  const actual = byChannel(events, (event) => String(event.meta.pipe_inode));
  const moved = byChannel(truth.moved, (one) => String(truth.pipe(one.pipe).inode));
  const mayGuess = tolerance.guesses === true && !trace.capabilities("pipe").overlappingWriters;
  const expected = moved.map((one, index) => pipeEvent(truth, one, actual[index], mayGuess));
  compare(trace, actual.map(timeless), expected.map(shorten));
}

/** As expectMoved, of signals between the workload's roles. */
export async function expectSent(trace: Trace, truth: Truth): Promise<void> {
  await trace.settle();
  const events = trace.signalsOf([...truth.roles.values()].map((role) => role.pid));
  checkTimes(events, truth);
  const actual = byChannel(events.map(timeless), ({ src_pid, dst_pid }) => `${src_pid} ${dst_pid}`);
  const expected = byChannel(
    truth.sent.map((one) => signalEvent(truth, one)),
    ({ src_pid, dst_pid }) => `${src_pid} ${dst_pid}`,
  );
  compare(trace, actual, expected);
}

/** Compares, and shows what ipcdump said when they differ. */
export function compare(trace: Trace, actual: Timeless[], expected: Timeless[]): void {
  try {
    expect(actual).toEqual(expected);
    for (const [index, { meta }] of actual.entries()) {
      // toEqual does not look at the order of keys, users do
      expect(ownKeys(meta)).toEqual(ownKeys(expected[index]!.meta));
    }
  } catch (error) {
    if (error instanceof Error) error.message += `\n${trace.transcript()}`;
    throw error;
  }
}

/** The keys of the kind itself, in their order; for the others there is none. */
function ownKeys(meta: TraceEvent["meta"]): string[] {
  return Object.keys(meta).filter((key) => !/^(captured|src_guess|dst_guess)$/.test(key));
}

function pipeEvent(truth: Truth, moved: Moved, actual: TraceEvent | undefined, mayGuess: boolean): Timeless {
  let src = moved.src === "?" ? UNKNOWN : truth.role(moved.src);
  const dst = truth.role(moved.dst);
  const pipe = truth.pipe(moved.pipe);
  const contents = Buffer.from(moved.hex, "hex");
  const meta: TraceEvent["meta"] = { pipe_name: pipe.name, pipe_inode: pipe.inode, count: moved.count };
  let captured = contents.length;
  if (moved.how === "spliced" && typeof actual?.meta.captured === "number") {
    captured = Math.min(actual.meta.captured, contents.length);
    if (captured < contents.length) meta.captured = captured;
  }
  if (actual && mayGuess && actual.meta.src_guess === true) {
    src = { pid: actual.src_pid, comm: actual.src_comm };
    meta.src_guess = true;
  }
  return {
    src_pid: src.pid,
    dst_pid: dst.pid,
    src_comm: src.comm,
    dst_comm: dst.comm,
    type: "pipe",
    meta,
    bytes: contents.toString("base64", 0, captured),
  };
}

function signalEvent(truth: Truth, { src, dst, ...meta }: Sent): Timeless {
  const [from, to] = [truth.role(src), truth.role(dst)];
  return {
    src_pid: from.pid,
    dst_pid: to.pid,
    src_comm: from.comm,
    dst_comm: to.comm,
    type: "signal",
    meta,
  };
}

export function timeless({ time: _, ...event }: TraceEvent): Timeless {
  return shorten(event);
}

export function shorten(event: Timeless): Timeless {
  const { bytes } = event;
  if (bytes === undefined || bytes.length < 200) return event;
  return { ...event, bytes: `${bytes.slice(0, 40)}… sha256 ${new Bun.SHA256().update(bytes).digest("hex")}` };
}

export function checkTimes(events: readonly TraceEvent[], { from, to }: Truth): void {
  for (const { time } of events) {
    expect(time).toMatch(TIME);
    expect(Date.parse(time)).toBeGreaterThanOrEqual(from - TIME_ERROR);
    expect(Date.parse(time)).toBeLessThanOrEqual(to + TIME_ERROR);
  }
}

/** There is an order within a channel only; this keeps it. */
export function byChannel<Item>(items: readonly Item[], channel: (item: Item) => string): Item[] {
  return [...items].sort((a, b) => (channel(a) < channel(b) ? -1 : channel(a) > channel(b) ? 1 : 0));
}
