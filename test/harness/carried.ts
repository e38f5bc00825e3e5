import { pidNamespace } from "../../src/proc/processes.ts";
import { byChannel, checkTimes, compare, shorten, type Timeless, timeless, UNKNOWN } from "./expect.ts";
import { inVm } from "./programs.ts";
import { serviceName } from "./services.ts";
import type { Trace, TraceEvent } from "./trace.ts";
import type { Carried, Truth } from "./truth.ts";

const isNested = pidNamespace() !== 0;

/** Waits until all is printed, then compares every event on the workload's sockets and terminals, whole. */
export async function expectCarried(trace: Trace, truth: Truth): Promise<void> {
  await trace.settle();
  // what nobody has waits longer
  await trace.untilCarried(truth);
  const events = trace.carriedFor(truth);
  checkTimes(events, truth);
  const actual = byChannel(events, (event) => channelOf(event, event.dst_pid));
  const carried = byChannel(truth.carried, (one) =>
    channelOf({ type: one.type, meta: one.meta }, one.dst === "?" ? -1 : truth.role(one.dst).pid),
  );
  const expected = carried.map((one, index) => carriedEvent(truth, one, actual[index]));
  compare(trace, actual.map(timeless), expected.map(shorten));
}

/** Neither sockets nor terminals: several processes may receive from one, at the same time. */
function isQueue(type: string): boolean {
  return !/^(unix|loopback|pty)/.test(type);
}

/** One direction between two sockets, or of a terminal; what one process receives from a queue. */
function channelOf({ type, meta }: Pick<TraceEvent, "type" | "meta">, receiver: number): string {
  const { src_inode, src_addr, src_port, dst_inode, tty_name, dst_sid, mq_name, id } = meta;
  return [
    type,
    src_inode,
    dst_inode,
    src_addr,
    src_port,
    tty_name,
    dst_sid,
    mq_name,
    id,
    isQueue(type) && receiver,
  ].join(" ");
}

function carriedEvent(truth: Truth, one: Carried, actual: TraceEvent | undefined): Timeless {
  // on an emulated machine it may be received later than ipcdump waits
  const guess = one.guess ?? (inVm ? "may" : undefined);
  let src = one.src === "?" ? UNKNOWN : truth.role(one.src);
  let dst = one.dst === "?" ? UNKNOWN : truth.role(one.dst);
  const contents = Buffer.from(one.hex, "hex");
  const meta = metaOf(one);
  let captured = contents.length;
  if (one.how === "spliced" && typeof actual?.meta.captured === "number") {
    captured = Math.min(actual.meta.captured, contents.length);
    if (captured < contents.length) meta.captured = captured;
  }
  if (guess === "may" && actual?.meta.src_guess === true) {
    src = { pid: actual.src_pid, comm: actual.src_comm };
    meta.src_guess = true;
  }
  // passed.test.ts is about descriptors that go along
  if (actual?.meta.fds !== undefined) meta.fds = actual.meta.fds;
  if (guess === "must") meta.dst_guess = true;
  if ((guess === "may" || guess === "miss") && actual?.meta.dst_guess === true) {
    dst = { pid: actual.dst_pid, comm: actual.dst_comm };
    meta.dst_guess = true;
  }
  // of what is found in /proc from inside a pid namespace ipcdump can't be sure; it has to be right all the same
  if (isNested && actual?.meta.dst_guess === true) meta.dst_guess = true;
  if (guess === "miss" && actual?.dst_pid === -1) dst = UNKNOWN;
  return {
    src_pid: src.pid,
    dst_pid: dst.pid,
    src_comm: src.comm,
    dst_comm: dst.comm,
    type: one.type,
    meta,
    bytes: contents.toString("base64", 0, captured),
  };
}

/** The members in the order of EVENTS.md. */
export function metaOf({ type, meta, count }: Carried): TraceEvent["meta"] {
  const { path = "", src_inode = 0, dst_inode = 0, tty_name = "", dst_sid = 0 } = meta;
  if (isQueue(type)) return { ...meta, count };
  if (type === "pty") return { tty_name, dst_sid, count };
  if (type.startsWith("unix")) {
    const both = meta.src_path === undefined ? {} : { src_path: meta.src_path };
    return { path, count, src_inode, dst_inode, ...both };
  }
  const protocol = type === "loopback-tcp" ? "tcp" : "udp";
  const { src_addr = "", src_port = 0, dst_addr = "", dst_port = 0 } = meta;
  return {
    src_addr,
    src_port,
    src_serv: serviceName(Number(src_port), protocol),
    dst_addr,
    dst_port,
    dst_serv: serviceName(Number(dst_port), protocol),
    dst_inode,
    count,
    ...(meta.nat_addr === undefined ? {} : { nat_addr: meta.nat_addr, nat_port: meta.nat_port! }),
  };
}
