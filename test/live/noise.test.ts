import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE, Ipcdump } from "../harness/ipcdump.ts";
import { inVm, programPath } from "../harness/programs.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(1.2 * PATIENCE);

const folder = mkdtempSync(join(tmpdir(), "ipcdump-noise-"));
const FLAGS = `-f json -t signal,pty,pipe,unix-stream --backend ${BACKEND}`;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

interface Screen {
  /** events that anybody could see there */
  events: Record<string, unknown>[];
  stderr: string;
}

/**
 * Runs a shell line on a terminal, in which `$ipcdump` is ipcdump with its stderr elsewhere; makes an event,
 * waits until it is on the screen, or in `output`, and ends ipcdump.
 */
async function onScreen(line: string, output?: string): Promise<Screen> {
  const errors = join(folder, `${crypto.randomUUID()}.err`);
  const typescript = `${errors}.typescript`;
  const shown = output ?? typescript;
  const started = `echo $$ >"${errors}.pid"; exec "${EXECUTABLE}" ${FLAGS} 2>"${errors}"`;
  const terminal = Bun.spawn(["script", "-qfec", line, typescript], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, SHELL: "/bin/sh", TERM: "xterm", ipcdump: started },
  });
  let isOver = false;
  const ended = terminal.exited.finally(() => {
    isOver = true;
  });
  const until = async (what: string, holds: () => boolean) => {
    while (!holds()) {
      if (isOver) throw new Error(`${what} never came: ${read(errors)}${read(typescript)}`);
      await Bun.sleep(5);
    }
  };
  using _ = {
    [Symbol.dispose]() {
      const pid = Number(read(`${errors}.pid`));
      if (!isOver && pid > 0) process.kill(pid, "SIGKILL");
    },
  };
  await until("tracing", () => /^tracing /m.test(read(errors)));
  for (let round = 0; round < 3; round++) {
    const marker = Bun.spawn([await programPath("marker"), "signal"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    await marker.exited;
    await until(`the event of ${marker.pid}`, () => read(shown).includes(`"src_pid":${marker.pid},`));
  }
  process.kill(Number(read(`${errors}.pid`)), "SIGINT");
  await ended;
  const events = read(shown)
    .split(/[\r\n]+/)
    .filter((text) => text.startsWith("{"))
    .map((text) => JSON.parse(text));
  return { events, stderr: read(errors) };
}

const lines: [name: string, line: string][] = inVm
  ? []
  : [
      ["on a terminal", 'sh -c "$ipcdump"'],
      ["in a pipe to a pager", 'sh -c "$ipcdump" | cat'],
      ["in a pipe to a pager, nothing else on a terminal", 'sh -c "$ipcdump" </dev/null | cat'],
    ];
test.each(lines)("%s ipcdump's own lines make no events", async (_, line) => {
  const { events, stderr } = await onScreen(line);
  expect(stderr).toMatch(/^not shown: .*terminal pts\/\d+; --self shows it$/m);
  expect(events.filter(({ type }) => type === "signal").length).toBeGreaterThanOrEqual(3);
  expect(events.filter(({ type }) => type === "pty")).toEqual([]);
});

const multiplexed = join(folder, "multiplexed.json");
const relays: [name: string, line: string, output?: string][] = inVm
  ? []
  : [["script", "script -qfec 'sh -c \"$ipcdump --not-comm script\"' /dev/null"]];
// what it shows is no line for grep: it moves the cursor about
const tmux = `tmux -f /dev/null -L ipcdump-$$ new-session 'sh -c "$ipcdump -o ${multiplexed}"'`;
if (!inVm && Bun.which("tmux") !== null) relays.push(["tmux: server", tmux, multiplexed]);
describe.each(relays)("under %s", (name, line, output) => {
  test("it is said who shows our terminal on another, and what to do", async () => {
    const { stderr } = await onScreen(line, output);
    expect(stderr).toMatch(
      new RegExp(
        `^(\\d+)\\(${name}\\) shows pts/\\d+ on pts/\\d+, which makes events in turn; --not-pid \\1 hides them$`,
        "m",
      ),
    );
  });
});

test("with stdout a unix socket, as systemd gives it, its own lines make no events", async () => {
  using ipcdump = await Ipcdump.tracing(["-t", "unix-stream", "--backend", BACKEND, "-f", "json"]);
  expect(readlinkSync(`/proc/${ipcdump.pid}/fd/1`)).toStartWith("socket:");
  for (let round = 0; round < 3; round++) {
    const marker = Bun.spawn([await programPath("marker"), "unix-stream"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    await marker.exited;
    await ipcdump.until("the marker", () =>
      ipcdump.stdout.find((one) => one.includes(`"src_pid":${marker.pid},`)),
    );
  }
  ipcdump.kill("SIGINT");
  expect(await ipcdump.ended()).toBe(0);
  const ends = ipcdump.stdout
    .map((one) => JSON.parse(one))
    .flatMap(({ src_pid, dst_pid }) => [src_pid, dst_pid]);
  expect(ends).not.toContain(ipcdump.pid);
});

test("ipcdump itself is not shown", async () => {
  using ipcdump = await Ipcdump.tracing(["-t", "pipe,signal", "--backend", BACKEND, "-f", "json"]);
  ipcdump.kill("SIGUSR1");
  await run("pipe", "one");
  ipcdump.kill("SIGINT");
  expect(await ipcdump.ended()).toBe(0);
  const events = ipcdump.stdout.map((line) => JSON.parse(line));
  expect(events.filter(({ src_pid, dst_pid }) => [src_pid, dst_pid].includes(ipcdump.pid))).toEqual([]);
});
