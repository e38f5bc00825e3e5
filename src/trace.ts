/** kernel → ring → decode → name → filter → format → sink, until someone says stop. */
import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import objectFile from "#dist/ipcdump.bpf.o" with { type: "file" };
import { Ring } from "../ffi/ring.ts";
import type { Options } from "./arguments.ts";
import { Arrivals } from "./arrivals.ts";
import { attach, type Traced } from "./attach.ts";
import { Child } from "./child.ts";
import { Clock } from "./clock.ts";
import { isColored } from "./color.ts";
import { Decoder } from "./decode.ts";
import type { Event, Lost, Meta } from "./event.ts";
import { Filter } from "./filter.ts";
import { type Format, formats } from "./format/index.ts";
import { Summary } from "./format/summary.ts";
import { Groups } from "./groups.ts";
import { kinds as allKinds } from "./kinds/index.ts";
import { Shared } from "./layout.ts";
import { libbpf } from "./libbpf.ts";
import { log } from "./log.ts";
import { Losses } from "./losses.ts";
import { Names } from "./names.ts";
import { surroundings } from "./own.ts";
import { Owners } from "./owners.ts";
import { Paths } from "./paths.ts";
import { dropPrivileges, requirePrivileges } from "./privileges.ts";
import { pidNamespace, showsOurPids } from "./processes.ts";
import { Sink } from "./sink.ts";
import { Stop } from "./stop.ts";
import { Totals } from "./totals.ts";
import { unreadPipes } from "./unread.ts";

/** between drains while data flows */
const drainInterval = 1;
/** empty drains in a row after which the reader sleeps until it is woken */
const patience = 8;
const longestSleep = 50;
const missesInterval = 1000;

/** Traces as asked for; the exit status, which is that of -- cmd when there is one. @throws Failure */
export async function trace(options: Options): Promise<number> {
  requirePrivileges(process.argv.slice(2));
  const { command, output } = options;
  using child = command === null ? null : Child.start(command, output === null);
  using stop = new Stop(child);
  try {
    await traceEvents(options, child, stop);
  } finally {
    // nothing that ends the tracing ends cmd, and it is not left behind
    if (child?.isReleased) await child.exited();
  }
  return child === null ? 0 : child.exited();
}

async function traceEvents(options: Options, child: Child | null, stop: Stop): Promise<void> {
  const kinds = allKinds.filter(({ name }) => options.kinds.includes(name));
  using sink = Sink.open(options.output);
  const groups = new Groups(options.criteria, child?.pid ?? null);
  using attached = attach(libbpf(), readFileSync(objectFile), kinds, options, groups);
  const { object, traced } = attached;
  using ring = new Ring(object.map("ring").fd, options.ring);
  stop.listen();
  const shared = new Shared(object.map(".bss.shared").words(Shared.size));
  const isNested = pidNamespace() !== 0;
  const names = new Names(object.map("named"), isNested);
  const paths = new Paths();
  const owners = new Owners(names, attached.seesDeliveries ? new Arrivals() : null, isNested);
  const clock = new Clock();
  const decoder = new Decoder(ring, names, paths, owners, kinds, options.bytes, options.maxBytes);
  const losses = new Losses(shared, kinds, traced);
  const totals = new Totals(traced.map(({ kind }) => kind.name));
  const summary = options.summary ? new Summary(options.format) : null;
  const colored = isColored(options.color, options.output === null && isatty(1), process.env);
  const format: Format = summary ?? formats[options.format](colored);
  const event = blankEvent();
  const lost: Lost = { kind: "unknown", count: 0, reason: "fault", time: { seconds: 0, nanoseconds: 0 } };

  for (const [kind, reason] of attached.untraced) log.warn(`not tracing ${kind}: ${reason}`);
  for (const { kind, programs } of traced) {
    for (const program of programs) log.verbose(`${kind.name}: ${program.hook} by ${program.backend}`);
  }
  // a terminal only shows up in the kind pty
  const own = options.self || !traced.some(({ kind }) => kind.name === "pty") ? null : surroundings();
  for (const line of own?.lines ?? []) log.info(line);
  const insideOnly = isNested && !options.allNamespaces;
  if (insideOnly) log.info("not shown: what has no end in this pid namespace; --all-ns shows it");
  if (!showsOurPids())
    log.warn("/proc is not that of this pid namespace: some ends will be unknown; mount -t proc proc /proc");
  await dropPrivileges({
    looks: traced.some(({ kind }) => kind.name !== "signal"),
    signals: child !== null,
    map: object.map("named"),
  });
  sink.start();
  format.header(sink.output);
  const hint = isatty(2) && child === null ? "; Ctrl-C to stop" : "";
  log.info(`tracing ${traced.map(describeKind).join(", ")}${hint}`);
  totals.start();
  const endsAt = options.duration > 0 ? performance.now() + options.duration * 1000 : Infinity;
  const tabulate = () => {
    clock.now(lost.time);
    summary?.table(lost.time, sink.output);
  };
  // where the ring was when SIGUSR1 came: what came before is counted in what it prints
  let reportAt = Infinity;
  stop.onReport(() => {
    reportAt = ring.produced;
  });

  const stamp = (low: number, high: number) => clock.convert(low, high, event.time);
  const filter = new Filter(options.criteria, child?.pid ?? null, own?.noise ?? null, insideOnly);
  for (const [parent, found] of groups.adopted) filter.adopt(parent, found);
  if (groups.isFollowing) decoder.onFork = (parent, made) => filter.forked(parent, made);
  const emit = () => {
    if (!filter.passes(event)) return true;
    format.event(event, sink.output);
    return totals.count(event.kind) !== options.count;
  };
  const reportLost = () => {
    clock.now(lost.time);
    if (options.lost || summary !== null) format.lost(lost, sink.output);
  };

  let idle = 0;
  let missesDue = 0;
  let readerGone = false;
  const finished = () => readerGone || (options.count > 0 && totals.events >= options.count);
  if (child !== null && child.pidfd >= 0) ring.watch(child.pidfd);
  child?.release();
  const isOver = () => stop.requested || performance.now() >= endsAt || (child?.status() ?? null) !== null;
  // where the ring was when the end was asked for: what came before is still reported
  let end = Infinity;
  while (!finished()) {
    if (end === Infinity && isOver()) end = ring.produced;
    clock.sample();
    const records = decoder.fill(end < Infinity ? Infinity : clock.bootSeconds);
    const last = ring.cursor >= end || (end < Infinity && records === 0);
    decoder.read(event, stamp, emit);
    ring.release();
    losses.poll(lost, reportLost);
    if (last || performance.now() >= missesDue) {
      losses.pollMisses(lost, reportLost);
      missesDue = performance.now() + missesInterval;
    }
    if (ring.cursor >= reportAt) {
      reportAt = Infinity;
      log.info(totals.line(losses.total));
      log.verbose(ringLine(ring));
      tabulate();
    }
    readerGone = !(await flush(sink, stop));
    if (last) break;
    if (records > 0) {
      idle = 0;
      shared.awake = 1;
      if (end === Infinity) await Bun.sleep(drainInterval);
    } else if (++idle < patience) {
      await Bun.sleep(drainInterval);
    } else {
      if (shared.awake === 1) {
        shared.awake = 0; // and look once more, for what was submitted without a wake-up
      } else {
        ring.wait(Math.max(0, Math.min(longestSleep, endsAt - performance.now())));
        readerGone ||= sink.readerGone();
      }
      await Bun.sleep(0);
    }
  }
  sink.stop();
  if (!readerGone && summary !== null) {
    tabulate();
    readerGone = !(await flush(sink, stop));
  }
  if (!readerGone) {
    for (const line of [totals.line(losses.total), ...unreadPipes(object, traced, names)]) log.info(line);
  }
  log.verbose(ringLine(ring));
  if (decoder.rejected > 0) log.warn(`${decoder.rejected} records could not be decoded`);
}

/** Writes all there is; false when nobody reads any more. */
async function flush(sink: Sink, stop: Stop): Promise<boolean> {
  for (;;) {
    const flushed = sink.flush(longestSleep);
    if (flushed !== "blocked") return flushed === "done";
    if (stop.requested) sink.stop();
    await Bun.sleep(0);
  }
}

function describeKind({ kind, backend, unseen }: Traced): string {
  return `${kind.name} (${backend}${unseen.length === 0 ? "" : `; not seen: ${unseen.join(", ")}`})`;
}

/** What went through the ring: what filters leave out in the kernel is not among it. */
function ringLine(ring: Ring): string {
  return `ring: ${ring.produced} bytes`;
}

function blankEvent(): Event {
  return {
    kind: "pipe",
    time: { seconds: 0, nanoseconds: 0 },
    src: { pid: -1, comm: null, guess: false },
    dst: { pid: -1, comm: null, guess: false },
    meta: (_out: Meta) => {},
    countLow: 0,
    countHigh: 0,
    contents: null,
  };
}
