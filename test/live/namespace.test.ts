import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eachDescendant } from "../../src/proc/descendants.ts";
import { pidNamespace } from "../../src/proc/processes.ts";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import { lines } from "../harness/lines.ts";
import { inVm, programPath } from "../harness/programs.ts";

setDefaultTimeout(3 * PATIENCE);

const SIGNALS = ["-t", "signal", "--backend", BACKEND, "-f", "json"];
const HIDDEN = "not shown: what has no end in this pid namespace; --all-ns shows it";
const folder = mkdtempSync(join(tmpdir(), "ipcdump-namespace-"));

/** The pids, as seen from here, of a process's children and theirs. */
function descendants(pid: number): number[] {
  const found: number[] = [];
  eachDescendant([pid], (_, child) => found.push(child));
  return found;
}

/** A shell that signals whom it is told; it says the pid it has where it is. */
class Actor {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncGenerator<string>;
  pid = 0;

  private constructor(name: string, before: readonly string[]) {
    const program = join(folder, name);
    if (!existsSync(program)) copyFileSync(realpathSync(Bun.which("sh") ?? "/bin/sh"), program);
    const script = 'echo $$; while read -r pid; do kill -WINCH "$pid"; echo done; done';
    this.#process = Bun.spawn([...before, program, "-c", script], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#lines = lines(this.#process.stdout);
  }

  static async start(name: string, ...before: string[]): Promise<Actor> {
    const actor = new Actor(name, before);
    actor.pid = Number((await actor.#lines.next()).value);
    return actor;
  }

  /** Its pid as seen from here, or that of what it was started by. */
  get outerPid(): number {
    return descendants(this.#process.pid)[0] ?? this.#process.pid;
  }

  async signal(pid: number): Promise<void> {
    this.#process.stdin.write(`${pid}\n`);
    await this.#process.stdin.flush();
    await this.#lines.next();
  }

  end(): void {
    for (const pid of descendants(this.#process.pid)) process.kill(pid, "SIGKILL");
    this.#process.kill("SIGKILL");
  }
}

// Whoever is in there is known by other numbers out here, where these cases look from.
describe.if(pidNamespace() === 0)("in a pid namespace", () => {
  let outsider: Actor;
  /** the first process of the namespace */
  let insider: Actor;
  let other: Actor;
  let inside: string[];

  beforeAll(async () => {
    outsider = await Actor.start("outsider");
    insider = await Actor.start("insider", "unshare", "-p", "-f", "--mount-proc");
    inside = ["nsenter", "-t", `${insider.outerPid}`, "-p", "-m"];
    other = await Actor.start("other", ...inside);
  });

  afterAll(() => {
    for (const actor of [other, insider, outsider]) actor.end();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts ipcdump in there, has everybody signal everybody, and says who was shown. */
  async function shown(...flags: string[]): Promise<{ pairs: string[]; stderr: string[] }> {
    const command = [...inside, EXECUTABLE];
    using ipcdump = await Ipcdump.tracing([...SIGNALS, ...flags], { command });
    await outsider.signal(outsider.pid);
    await outsider.signal(other.outerPid);
    await insider.signal(other.pid);
    await other.signal(insider.pid);
    process.kill(descendants(ipcdump.pid)[0] ?? ipcdump.pid, "SIGINT");
    expect(await ipcdump.ended()).toBe(0);
    const pairs = ipcdump.stdout
      .map((line) => JSON.parse(line))
      .filter(({ meta }) => meta.name === "SIGWINCH")
      .map((event) => `${event.src_pid}(${event.src_comm}) ${event.dst_pid}(${event.dst_comm})`);
    return { pairs, stderr: ipcdump.stderr };
  }

  test("pids are those in there, and what has no end in there is left out", async () => {
    expect(insider.pid).toBe(1);
    const { pairs, stderr } = await shown();
    expect(pairs).toEqual([
      `-1(outsider) ${other.pid}(other)`,
      `1(insider) ${other.pid}(other)`,
      `${other.pid}(other) 1(insider)`,
    ]);
    expect(stderr).toContain(HIDDEN);
  });

  test("--all-ns shows all, without pids for who is outside", async () => {
    const { pairs, stderr } = await shown("--all-ns", "-P", "outsider", "-P", "insider");
    expect(pairs).toEqual([
      "-1(outsider) -1(outsider)",
      `-1(outsider) ${other.pid}(other)`,
      `1(insider) ${other.pid}(other)`,
      `${other.pid}(other) 1(insider)`,
    ]);
    expect(stderr).not.toContain(HIDDEN);
  });

  test("filters take the pids in there", async () => {
    expect((await shown("-s", "1")).pairs).toEqual([`1(insider) ${other.pid}(other)`]);
    expect((await shown("-d", `${other.pid}`, "--not-pid", "1")).pairs).toEqual([
      `-1(outsider) ${other.pid}(other)`,
    ]);
  });

  test("-- cmd and its descendants are followed", async () => {
    const script = "kill -WINCH $$; sh -c \"sh -c 'kill -WINCH \\$\\$; :'; :\"; echo $$";
    using ipcdump = new Ipcdump([...SIGNALS, "--", "sh", "-c", script], { command: [...inside, EXECUTABLE] });
    expect(await ipcdump.ended()).toBe(0);
    const [first, second] = ipcdump.stdout.map((line) => JSON.parse(line));
    const pid = Number(ipcdump.stderr.find((line) => /^\d+$/.test(line)));
    expect([first.src_pid, first.dst_pid, first.meta.tid ?? 0]).toEqual([pid, pid, 0]);
    expect(second.src_pid).toBe(second.dst_pid);
    expect([second.src_pid > pid, second.src_comm]).toEqual([true, "sh"]);
    expect(ipcdump.stdout).toHaveLength(2);
  });

  test("where /proc is that of the outer namespace, it says so and asks it nothing", async () => {
    using ipcdump = new Ipcdump([...SIGNALS, "--duration", "0.2s"], {
      command: ["unshare", "-p", "-f", EXECUTABLE],
    });
    expect(await ipcdump.ended()).toBe(0);
    expect(ipcdump.stderr.join("\n")).toContain("/proc is not that of this pid namespace");
  });
});

/** Its boot time is ahead, or behind where the kernel allows that; records have the kernel's. */
const offsets = inVm ? [] : ["86400", "-5"];
test.if(pidNamespace() === 0).each(offsets)(
  "in a time namespace with its boot time off by %s s",
  async (offset) => {
    const command = ["unshare", "-T", "--boottime", offset, EXECUTABLE];
    using ipcdump = await Ipcdump.tracing(["-t", "unix-stream", "--backend", BACKEND, "-f", "json"], {
      command,
    });
    const from = Date.now();
    const marker = Bun.spawn([await programPath("marker"), "unix-stream"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const line = await ipcdump.until("the marker", () =>
      ipcdump.stdout.find((one) => one.includes(`"src_pid":${marker.pid},`)),
    );
    expect(Date.parse(JSON.parse(line).time)).toBeWithin(from - 51, Date.now() + 51);
    ipcdump.kill("SIGINT");
    expect(await ipcdump.ended()).toBe(0);
  },
);

/** All kinds, whole events, from and in a namespace; the suite is the one that runs out here. */
const others: [name: string, command: string[]][] = [
  ["a pid namespace", ["unshare", "-p", "-f", "--mount-proc"]],
  ["a network namespace", ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]],
  ["both", ["unshare", "-n", "-p", "-f", "--mount-proc", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]],
];
test.if(pidNamespace() === 0).each(inVm ? others.slice(2) : others)(
  "in %s everything is seen as outside",
  async (_, command) => {
    const suite = join(import.meta.dir, "differential.test.ts");
    const bun = Bun.spawn([...command, process.execPath, "test", suite], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const words = await new Response(bun.stderr).text();
    if ((await bun.exited) !== 0) throw new Error(words.slice(-10_000));
    expect(words.match(/\d+ (pass|fail)$/gm)).toEqual(["1 pass", "0 fail"]);
  },
);
