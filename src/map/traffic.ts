/** Who talked to whom of events, as a map whose connections say how much. */
import { printable } from "../bytes/escape.ts";
import { latin1 } from "../bytes/latin1.ts";
import type { Output } from "../bytes/output.ts";
import type { DrawingName } from "../command/drawings.ts";
import type { Event, Lost, Time } from "../event.ts";
import type { Format } from "../format/format.ts";
import { Quantiles } from "../format/quantiles.ts";
import { type Row, Rows } from "../format/rows.ts";
import type { Message } from "../message/message.ts";
import { draw } from "./draw.ts";
import type { Flow, MappedConnection, MappedHolder } from "./graph.ts";

/** A format that prints nothing but a map, at the end. */
export class TrafficMap implements Format {
  readonly #rows: Rows;

  /** @param tells names say who a process is, as --who does */
  constructor(
    private readonly drawing: DrawingName,
    tells = false,
  ) {
    this.#rows = new Rows(tells);
  }

  header(): void {}

  event(event: Event): void {
    this.#rows.add(event);
  }

  /** How long an answer took; the event that it came in was counted by itself. */
  message({ said: { kind }, event, latency }: Message): void {
    if (latency >= 0 && kind !== "unanswered") this.#rows.answer(event, latency);
  }

  /** The totals say it: nobody knows whose they were. */
  lost(_lost: Lost): void {}

  end(_time: Time, out: Output): void {
    for (const line of draw(connectionsOf([...this.#rows]), this.drawing)) out.string(`${line}\n`);
  }
}

/** A connection for every two processes, kind and place, whichever way the bytes went. */
function connectionsOf(rows: readonly Row[]): MappedConnection[] {
  const groups = Map.groupBy(rows, ({ kind, srcPid, dstPid, where }) =>
    [kind, Math.min(srcPid, dstPid), Math.max(srcPid, dstPid), latin1(where)].join("\0"),
  );
  // the last name of each: what exec'ed is what it became
  const comms = new Map(
    rows.flatMap(({ srcPid, srcComm, dstPid, dstComm }) => [
      [srcPid, srcComm],
      [dstPid, dstComm],
    ]),
  );
  const holderOf = (pid: number): MappedHolder => {
    const comm = comms.get(pid) ?? null;
    return { pid, comm: comm === null ? "<unknown>" : printable(comm), fds: [] };
  };
  return [...groups.values()]
    .map((group) => connectionOf(group, holderOf))
    .sort((a, b) => bytesOf(b) - bytesOf(a));
}

function connectionOf(rows: Row[], holderOf: (pid: number) => MappedHolder): MappedConnection {
  const { kind, srcPid, dstPid, where } = rows[0]!;
  const flows = new Map<number, Flow>();
  const times = new Map<number, Quantiles>();
  for (const row of rows) {
    const flow = flows.get(row.srcPid) ?? {
      from: row.srcPid,
      to: row.dstPid,
      events: 0,
      bytes: 0,
      guessed: 0,
    };
    flow.events += row.events;
    flow.bytes += row.bytes;
    flow.guessed += row.isGuess ? row.events : 0;
    flows.set(row.srcPid, flow);
    if (row.latencies === null) continue;
    const known = times.get(row.srcPid) ?? new Quantiles();
    known.merge(row.latencies);
    times.set(row.srcPid, known);
  }
  for (const [pid, found] of times) {
    const flow = flows.get(pid)!;
    flows.set(pid, { ...flow, answers: found.count, ...timesOf(found) });
  }
  const isBothWays = flows.size > 1;
  return {
    kind,
    number: 0,
    name: printable(where),
    used: 0,
    room: 0,
    sides: [
      { role: isBothWays ? "end" : "writer", inode: 0, queued: 0, holders: [holderOf(srcPid)] },
      { role: isBothWays ? "end" : "reader", inode: 0, queued: 0, holders: [holderOf(dstPid)] },
    ],
    blocked: [],
    flows: [...flows.values()],
  };
}

/** Within what time the half, 95 and 99 of 100 answers came. */
function timesOf(found: Quantiles): Pick<Flow, "p50_ns" | "p95_ns" | "p99_ns"> {
  return { p50_ns: found.at(0.5), p95_ns: found.at(0.95), p99_ns: found.at(0.99) };
}

function bytesOf({ flows = [] }: MappedConnection): number {
  return flows.reduce((sum, { bytes }) => sum + bytes, 0);
}
