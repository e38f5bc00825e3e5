/** kernel → ring → decode → name → filter → format → sink, until someone says stop. */
import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import objectFile from "#dist/ipcdump.bpf.o" with { type: "file" };
import { sayLast } from "../../ffi/handlers.ts";
import { Ring } from "../../ffi/ring.ts";
import { isAlive } from "../../ffi/spawn.ts";
import { Ledgers } from "../account/ledgers.ts";
import { Leftovers } from "../account/leftovers.ts";
import { Losses } from "../account/losses.ts";
import { Totals } from "../account/totals.ts";
import { type Attached, attach } from "../attach/attach.ts";
import { libbpf } from "../attach/libbpf.ts";
import type { Traced } from "../attach/plan.ts";
import { dropPrivileges, requirePrivileges } from "../attach/privileges.ts";
import type { Options } from "../command/arguments.ts";
import { Batch } from "../decode/batch.ts";
import { Clock } from "../decode/clock.ts";
import { Filter } from "../filter/filter.ts";
import { Followers } from "../filter/followers.ts";
import { Groups } from "../filter/groups.ts";
import { Learning } from "../filter/learning.ts";
import { type Surroundings, surroundings } from "../filter/surroundings.ts";
import { isByIdentity } from "../filter/wanted.ts";
import type { Identity } from "../identity.ts";
import { kinds as allKinds } from "../kinds/index.ts";
import { type LeftRecord, Shared } from "../layout.ts";
import { log } from "../log.ts";
import { Decoding } from "../message/decoding.ts";
import { Deliveries } from "../name/deliveries.ts";
import { Facts } from "../name/facts.ts";
import { Identities } from "../name/identities.ts";
import { Names } from "../name/names.ts";
import { Owners } from "../name/owners.ts";
import { Passed } from "../name/passed.ts";
import { Paths } from "../name/paths.ts";
import { Receivers } from "../name/receivers.ts";
import { Runtimes } from "../name/runtimes.ts";
import { Victims } from "../name/victims.ts";
import { Waiting } from "../name/waiting.ts";
import { listingOf } from "../proc/opened.ts";
import { pidNamespace, processes, showsOurPids } from "../proc/processes.ts";
import { bootTimeLead } from "../proc/timens.ts";
import { Sink } from "../sink.ts";
import { Top } from "../top/top.ts";
import { Beside } from "./beside.ts";
import { Child } from "./child.ts";
import { Ending } from "./ending.ts";
import { Loop } from "./loop.ts";
import { formatOf, stageOf, tableOf } from "./outlet.ts";
import { Printer } from "./printer.ts";
import { isAddedUp, Sums } from "./sums.ts";
import { checkUsers } from "./users.ts";

/** Traces as asked for; the exit status, which is that of -- cmd when there is one. @throws Failure */
export async function trace(options: Options): Promise<number> {
  requirePrivileges(process.argv.length - 2);
  checkUsers(options.wanted);
  const { command, output } = options;
  using child = command === null ? null : Child.start(command.length, output === null);
  using ending = new Ending({ child, count: options.count, duration: options.duration });
  try {
    await traceEvents(options, child, ending);
  } finally {
    // nothing that ends the tracing ends cmd, and it is not left behind
    if (child?.isReleased) await child.exited();
  }
  return child === null ? 0 : child.exited();
}

async function traceEvents(options: Options, child: Child | null, ending: Ending): Promise<void> {
  const kinds = allKinds.filter(({ name }) => options.kinds.includes(name));
  using sink = Sink.open(options.output);
  const groups = new Groups(options.wanted, child?.pid ?? null);
  const addsUp = isAddedUp(options, groups);
  using attached = attach(libbpf(), readFileSync(objectFile), kinds, { ...options, sums: addsUp }, groups);
  const { object, traced } = attached;
  using ring = Ring.open(object.map("ring").fd, options.ring);
  ending.listen();

  const isNested = pidNamespace() !== 0;
  const insideOnly = isNested && !options.allNamespaces;
  const shared = new Shared(object.map(".bss.shared").words(Shared.size));
  const isDescribed = isByIdentity(options.wanted);
  const identities = options.who || isDescribed ? new Identities(ring.words, new Runtimes()) : null;
  const names = new Names(object.map("named"), isNested, isAlive, identities);
  const deliveries = attached.seesDeliveries ? new Deliveries() : null;
  const listing = attached.holders === null ? null : listingOf(attached.holders);
  const owners = new Owners(names, deliveries, isNested, listing);
  owners.holders.onLarge = (pid, count) =>
    log.warn(
      `process ${pid} has ${count} descriptors: it is looked through rarely, and ends found in /proc are guesses`,
    );
  const paths = new Paths(ring.size);
  // a terminal only shows up in the kind pty
  const own = options.self || !traced.some(({ kind }) => kind.name === "pty") ? null : surroundings();
  const filter = new Filter(options.wanted, child?.pid ?? null, own?.noise ?? null, insideOnly);
  for (const [parent, found] of groups.adopted) filter.adopt(parent, found);
  const onFork = groups.isFollowing ? (parent: number, made: number) => filter.forked(parent, made) : null;
  const passed = new Passed(ring.words, ring.bytes, paths, owners);
  const receivers = new Receivers(options.wait * 1e9);
  const known = { names, paths, owners, receivers, victims: new Victims(), passed };
  const learning = isDescribed ? new Learning(object.map("named"), filter) : null;
  const onIdentity =
    learning === null ? null : (tgid: number, tag: number, who: Identity) => learning.learn(tgid, tag, who);
  const leftovers = new Leftovers(object, traced, names, paths, filter, attached.descriptors);
  const onLeft = (record: LeftRecord, position: number) => leftovers.add(record, position);
  const facts = new Facts(ring.words, ring.bytes, known, onFork, identities, onIdentity, onLeft);
  const { bytes, maxBytes } = options;
  const batch = new Batch(ring, kinds, { ...known, maxBytes }, facts, bytes);
  const sums = addsUp ? new Sums(object.map("sums"), shared, kinds, { ...known, maxBytes }) : null;
  const followers = groups.isFollowing ? new Followers(object.map("chosen_pids"), shared, filter) : null;
  const summary = tableOf(options);
  using top = options.top === null ? null : new Top(options.top, options.decode !== null);
  if (top?.keys != null) ring.watch(top.keys);
  const format = top ?? summary ?? formatOf(options);
  const printer = new Printer(format, sink, options);
  if (sums !== null && top !== null) sums.samples = top.samples;
  const stage = stageOf(options, printer, format, sink);
  const losses = new Losses(shared, kinds, traced);
  const ledgers = new Ledgers(object.map("ledgers"), shared, traced);
  const totals = new Totals(
    traced.map(({ kind }) => kind.name),
    options.sure,
  );

  introduce(attached, own, insideOnly);
  await dropPrivileges({
    looks: identities !== null || traced.some(({ kind }) => kind.name !== "signal"),
    signals: child !== null,
    map: object.map("named"),
  });
  sayLast(lastWords);
  identities?.survey();
  sink.start();
  format.header(sink.output);
  const hint = isatty(2) && child === null ? "; Ctrl-C to stop" : "";
  log.info(`tracing ${traced.map(describeKind).join(", ")}${hint}`);
  totals.start();
  if (child !== null && child.pidfd >= 0) ring.watch(child.pidfd);
  if (child !== null) sayLast((signal) => `${lastWords(signal)}; the command goes on as pid ${child.pid}`);
  child?.release();
  const report = () => {
    const unread = [...leftovers.lines(() => batch.fill()), ...batch.unread()];
    for (const line of [totals.line(losses.total), ...unread]) log.info(line);
    if (losses.total > 0) log.verbose(`lost: ${losses.reasons}`);
    log.verbose(ringLine(ring));
    if (sums !== null) log.verbose(`sums: ${sums.spilled} events had no room`);
  };
  const loop = new Loop(
    {
      ring,
      shared,
      clock: new Clock(bootTimeLead()),
      batch,
      waiting: new Waiting(owners, options.wait),
      receivers,
      identities,
      filter,
      followers,
      stage,
      printer,
      format,
      sink,
      losses,
      ledgers,
      totals,
      summary,
      sums,
      top,
    },
    ending,
    options.lost || summary !== null || top !== null,
    report,
  );
  await loop.run();
  if (ending.isRead) report();
  else log.verbose(ringLine(ring));
  if ((stage instanceof Decoding || stage instanceof Beside) && stage.forgotten > 0)
    log.warn(`${stage.forgotten} requests were forgotten: their answers are shown without them`);
  if (batch.forgotten > 0)
    log.warn(`${batch.forgotten} messages in queues were too many: their senders are not known`);
  if (batch.rejected > 0) log.warn(`${batch.rejected} records could not be decoded`);
}

function lastWords(signal: string): string {
  return `ipcdump: Bun ended by ${signal}, a bug: what was not printed yet is lost`;
}

/** What the user has to know before the first event. */
function introduce({ traced, untraced }: Attached, own: Surroundings | null, insideOnly: boolean): void {
  for (const [kind, reason] of untraced) log.warn(`not tracing ${kind}: ${reason}`);
  for (const { kind, programs, rung } of traced) {
    log.verbose(`${kind.name}: rung ${rung}`);
    for (const { hook, way, target } of programs) log.verbose(`${kind.name}: ${hook} by ${way} at ${target}`);
  }
  for (const line of own?.lines ?? []) log.info(line);
  if (insideOnly) log.info("not shown: what has no end in this pid namespace; --all-ns shows it");
  if (!showsOurPids())
    log.warn("/proc is not that of this pid namespace: some ends will be unknown; mount -t proc proc /proc");
  else if (processes().length === 0)
    log.warn(
      "/proc can't be listed: some ends will be unknown; raise the limit of open files: ulimit -n 1024",
    );
}

function describeKind({ kind, backend, unseen }: Traced): string {
  return `${kind.name} (${backend}${unseen.length === 0 ? "" : `; not seen: ${unseen.join(", ")}`})`;
}

/** What went through the ring: what filters leave out in the kernel is not among it. */
function ringLine(ring: Ring): string {
  return `ring: ${ring.produced} bytes`;
}
