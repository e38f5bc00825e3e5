import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE } from "../harness/condition.ts";
import { ask, askUntil, Hang } from "../harness/hang.ts";

setDefaultTimeout(2 * PATIENCE);

/** Of a socket or a pipe by its inode: the inode at its other end, and who has it open, as `pid/fd`. */
type Ends = Map<number, string>;

interface Connection {
  kind: string;
  sides: { role: string; inode: number; holders: { pid: number; fds: number[] }[] }[];
}

function end(peer: number, holders: readonly string[]): string {
  return `${peer}: ${[...new Set(holders)].sort()}`;
}

async function said(...words: string[]): Promise<string[]> {
  const text = await Bun.$`${words}`.text();
  return text.trimEnd().split("\n");
}

/** `pid/fd` of ss's `users:(("name",pid=1,fd=2),…)` */
function users(line: string): string[] {
  return [...line.matchAll(/,pid=(\d+),fd=(\d+)\)/g)].map(([, pid, fd]) => `${pid}/${fd}`);
}

/** What ss(8) knows of unix sockets that are connected. */
async function unixBySs(): Promise<Ends> {
  const lines = await said("ss", "-xapH", "state", "connected");
  const found: Ends = new Map();
  for (const line of lines) {
    const [, inode, peer] = /^u_\S+\s+\S+\s+\d+\s+\d+\s.*?\s(\d+)\s+\S+\s(\d+)/.exec(line) ?? [];
    // without anybody it is a listener's, which is a side of another role
    if (peer !== undefined && peer !== "0" && users(line).length > 0)
      found.set(Number(inode), end(Number(peer), users(line)));
  }
  return found;
}

/** What ss(8) knows of TCP connections whose both ends are here. */
async function tcpBySs(): Promise<Ends> {
  const sockets = (await said("ss", "-tnapHe", "state", "connected")).flatMap((line) => {
    const [, local, remote] = /^\S+\s+\d+\s+\d+\s+(\S+)\s+(\S+)/.exec(line) ?? [];
    const inode = Number(/ ino:(\d+) /.exec(line)?.[1] ?? 0);
    return local === undefined || inode === 0 ? [] : [{ local, remote, inode, holders: users(line) }];
  });
  const found: Ends = new Map();
  for (const { local, remote, inode, holders } of sockets) {
    const peer = sockets.find((other) => other.local === remote && other.remote === local);
    if (peer !== undefined) found.set(inode, end(peer.inode, holders));
  }
  return found;
}

/** What lsfd(1) knows of pipes: it does not tell the ends apart. */
async function pipesByLsfd(): Promise<Ends> {
  const { lsfd } = JSON.parse(
    (await said("lsfd", "-J", "-o", "PID,ASSOC,INODE", "-Q", '(TYPE == "FIFO")')).join("\n"),
  ) as { lsfd: { pid: number; assoc: string; inode: number }[] };
  const groups = Map.groupBy(
    lsfd.filter(({ assoc }) => /^\d+$/.test(assoc)),
    ({ inode }) => inode,
  );
  return new Map(
    [...groups].map(([inode, all]) => [
      inode,
      end(
        inode,
        all.map(({ pid, assoc }) => `${pid}/${assoc}`),
      ),
    ]),
  );
}

/** The same of ipcdump's map. */
async function ours(isMeant: (kind: string) => boolean): Promise<Ends> {
  const { text } = await ask("map", "-f", "json");
  const connections = text
    .trimEnd()
    .split("\n")
    .map((line): Connection => JSON.parse(line));
  const found: Ends = new Map();
  for (const { kind, sides } of connections) {
    // of a connection that nobody has accepted ss does not name the other end
    if (!isMeant(kind) || sides.length !== 2 || sides.some(({ role }) => role === "backlog")) continue;
    const holders = sides.map((side) =>
      side.holders.flatMap(({ pid, fds }) => fds.map((fd) => `${pid}/${fd}`)),
    );
    if (kind === "pipe") {
      if (holders.flat().length > 0) found.set(sides[0]!.inode, end(sides[0]!.inode, holders.flat()));
    } else {
      sides.forEach(({ inode }, i) => {
        if (holders[i]!.length > 0) found.set(inode, end(sides[1 - i]!.inode, holders[i]!));
      });
    }
  }
  return found;
}

/** What two looks have in common: the host goes on meanwhile. */
function same(a: Ends, b: Ends): Ends {
  return new Map([...a].filter(([inode, text]) => b.get(inode) === text));
}

/** Of `wanted` what `found` says otherwise, or nothing of. */
function missing(wanted: Ends, found: Ends): string[] {
  return [...wanted]
    .filter(([inode, text]) => found.get(inode) !== text)
    .map(([inode, text]) => `${inode} ${text}, not ${found.get(inode)}`);
}

describe("the map has the edges that others see", () => {
  const cases: [string, (kind: string) => boolean, () => Promise<Ends>][] = [
    ["unix sockets, as ss -xp", (kind) => kind.startsWith("unix-"), unixBySs],
    ["TCP, as ss -tp", (kind) => kind === "loopback-tcp", tcpBySs],
    ["pipes, as lsfd", (kind) => kind === "pipe", pipesByLsfd],
  ];
  test.each(cases)("%s", async (_, isMeant, theirs) => {
    using hang = await Hang.start("sockets");
    using _backlog = await Hang.start("backlog");
    using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const client = await Bun.connect({ hostname: "127.0.0.1", port: server.port, socket: { data() {} } });
    try {
      let lasting: Ends = new Map();
      let known: string[] | null = null;
      const looks = async () => {
        const [before, first, between, second] = [
          await theirs(),
          await ours(isMeant),
          await theirs(),
          await ours(isMeant),
        ];
        lasting = same(before, between);
        const wrong = [...missing(lasting, first), ...missing(same(first, second), between)];
        // what comes and goes at once, as a shell's sleep does, is again as it was a look later
        known = wrong.filter((line) => known?.includes(line) ?? true);
        return known;
      };
      expect(await askUntil([], looks, PATIENCE)).toEqual([]);
      const own = [...lasting.values()].filter((text) => text.includes(`${process.pid}/`));
      const hung = [...lasting.values()].filter((text) => text.includes(`${hang.ann}/`));
      expect(own.length + hung.length).toBeGreaterThan(1);
    } finally {
      client.end();
    }
  });
});
