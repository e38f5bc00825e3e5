import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { kinds } from "../../src/kinds/index.ts";
import type { TraceEvent } from "../harness/trace.ts";
import type { Moved, Pipe, Role, Sent } from "../harness/truth.ts";
import { LIMIT_MS, runInMachine } from "./machine.ts";

// it may have to be booted twice
setDefaultTimeout(2.2 * LIMIT_MS);

const EXECUTABLE = join(import.meta.dir, "../../dist/arm64/ipcdump");
const BACKENDS = ["fentry", "kprobe", "tracepoint"] as const;
const KINDS: readonly string[] = kinds.map(({ name }) => name);

/** As many process numbers as would do for less than its threads. */
const few = `
echo "begin few"
mkdir /tmp/groups
mount -t cgroup2 none /tmp/groups
echo +pids >/tmp/groups/cgroup.subtree_control
mkdir /tmp/groups/few
echo 3 >/tmp/groups/few/pids.max
sh -c 'echo $$ >/tmp/groups/few/cgroup.procs; exec /ipcdump -t signal --duration 0.1' 2>&1
echo "status $?"
echo "end few"`;

/**
 * Traces with each back end: workloads that say what they do, a marker of every kind that has one, and messages of
 * queues, the last ones to wait for.
 */
const script = BACKENDS.map(
  (backend) => `
echo "begin ${backend}"
/ipcdump --backend ${backend} -x -f json -o /tmp/events >/tmp/errors 2>&1 &
tracer=$!
tries=600
until grep -q -e ^tracing -e ^ipcdump: /tmp/errors || [ $((tries -= 1)) = 0 ]; do sleep 0.1; done
cat /tmp/errors
/programs/pipe one
/programs/signal kill
for kind in ${KINDS.join(" ")}; do /programs/marker $kind 2>/dev/null; done
/programs/mq plain
/programs/sysv_mq plain
tries=300
until grep -q '"type":"${KINDS.at(-1)}"' /tmp/events || [ $((tries -= 1)) = 0 ]; do sleep 0.1; done
kill -INT $tracer
wait $tracer
echo "status $?"
cat /tmp/events
echo "end ${backend}"`,
).join("\n");

describe("arm64: a machine", () => {
  let lines: Promise<string[]> | undefined;
  const saidIn = async (name: string) => {
    lines ??= runInMachine(EXECUTABLE, ["marker", "pipe", "signal", "mq", "sysv_mq"], `${few}\n${script}`);
    const all = await lines;
    return all.slice(all.indexOf(`begin ${name}`) + 1, all.indexOf(`end ${name}`));
  };

  test("says that there are no process numbers for it", async () => {
    expect(await saidIn("few")).toEqual([
      expect.stringMatching(/^ipcdump: no process numbers are free for its threads; /),
      "status 1",
    ]);
  });

  test.each([...BACKENDS])("traces every kind with %s", async (backend) => {
    const part = await saidIn(backend);
    expect(part).toContain("status 0");
    const said = part.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    const events: TraceEvent[] = said.filter((value) => "src_comm" in value);

    const roles = new Map<string, Role>(said.filter(({ role }) => role).map((role) => [role.role, role]));
    const ends = ({ src, dst }: { src: string; dst: string }) => ({
      ...{ src_pid: roles.get(src)!.pid, src_comm: src, dst_pid: roles.get(dst)!.pid, dst_comm: dst },
    });
    const pipe: Pipe & { pipe: string } = said.find(({ pipe }) => pipe);
    const moved: Moved = said.find(({ moved }) => moved).moved;
    expect(events.filter(({ meta }) => meta.pipe_inode === pipe.inode)).toEqual([
      {
        ...ends(moved),
        type: "pipe",
        time: expect.any(String),
        meta: { pipe_name: "<anonymous>", pipe_inode: pipe.inode, count: moved.count },
        bytes: Buffer.from(moved.hex, "hex").toString("base64"),
      },
    ]);
    const sent: Sent = said.find(({ sent }) => sent).sent;
    const target = roles.get(sent.dst)!.pid;
    expect(events.filter(({ type, dst_pid }) => type === "signal" && dst_pid === target)).toEqual([
      {
        ...{ ...ends(sent), type: "signal", time: expect.any(String) },
        meta: { num: sent.num, name: sent.name },
      },
    ]);
    const marked = events.filter(({ src_comm, dst_comm }) => src_comm === "marker" && dst_comm === "marker");
    for (const { src_pid, dst_pid } of marked) expect(dst_pid).toBe(src_pid);
    const queued = events.filter(({ type }) => type.endsWith("mq"));
    expect(new Set([...marked, ...queued].map(({ type }) => type))).toEqual(new Set(KINDS));
    for (const { src_comm, dst_comm } of queued) expect([src_comm, dst_comm]).not.toContain("<unknown>");
    expect(said.filter((value) => "lost_type" in value)).toEqual([]);
  });
});
