import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { EXECUTABLE, Ipcdump, PLAIN, STATIC } from "../harness/ipcdump.ts";
import { programPath } from "../harness/programs.ts";

setDefaultTimeout(2 * PATIENCE);

const TRACE = ["-t", "signal", "-f", "json"];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-endings-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a SIGINT from somebody ends the tracing, one from cmd's terminal does not", async () => {
  const output = join(folder, "interrupted");
  const caught = 'trap "kill -WINCH $$; echo caught" INT';
  const script = `${caught}; echo $PPID $$; while test ! -e ${output}.end; do sleep 0.05; done`;
  // script runs it with a shell, which is in the terminal's foreground as well and must be no more by then
  const line = ["exec", EXECUTABLE, ...TRACE, "-o", output, "--", "sh", "-c", `'${script}'`].join(" ");
  using terminal = new Ipcdump([], {
    command: ["script", "-qfec", line, "/dev/null"],
    env: { PATH: process.env.PATH!, SHELL: "/bin/sh" },
    stdin: "pipe",
  });
  const [, tracer, cmd] = await terminal.until("its pid", () =>
    terminal.stdout.map((said) => /^(\d+) (\d+)\r?$/.exec(said)).find((match) => match !== null),
  );
  for (const times of [1, 2]) {
    terminal.type("\x03");
    await terminal.until("its trap", () =>
      terminal.stdout.filter((said) => said.includes("caught")).length === times ? true : undefined,
    );
  }
  // a second one is none while the first is pending
  const isPending = () => !/^ShdPnd:\s*0+$/m.test(readFileSync(`/proc/${tracer}/status`, "utf8"));
  while (isPending()) await Bun.sleep(1);
  process.kill(Number(tracer), "SIGINT");
  await terminal.until("the totals", () => terminal.stdout.find((said) => / events? in /.test(said)));
  process.kill(Number(cmd), "SIGWINCH");
  writeFileSync(`${output}.end`, "");
  expect(await terminal.ended()).toBe(0);
  const events = readFileSync(output, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((text) => JSON.parse(text));
  const [own] = events;
  expect([own.src_pid, own.dst_pid, own.meta.name]).toEqual([Number(cmd), Number(cmd), "SIGWINCH"]);
  expect(events.map((event) => ({ ...event, time: own.time }))).toEqual([own, own]);
});

test.each([PLAIN, STATIC])(
  "what ends Bun leaves the last words to us, and cmd alive: %s",
  async (executable) => {
    for (const signal of ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP"] as const) {
      using ipcdump = await Ipcdump.tracing(TRACE, { command: [executable] });
      ipcdump.kill(signal);
      expect([signal, await ipcdump.ended()]).toEqual([signal, 1]);
      expect(ipcdump.stderr.slice(1)).toEqual([
        `ipcdump: Bun ended by ${signal}, a bug: what was not printed yet is lost`,
      ]);
    }
    using ipcdump = new Ipcdump([...TRACE, "--", "sh", "-c", "echo $$ >&2; exec sleep 60 2>/dev/null"], {
      command: [executable],
    });
    const pid = await ipcdump.until("cmd", () => ipcdump.stderr.find((line) => /^\d+$/.test(line)));
    ipcdump.kill("SIGSEGV");
    const last = await ipcdump.until("the last words", () =>
      ipcdump.stderr.find((line) => line.includes("ended by")),
    );
    process.kill(Number(pid), "SIGKILL");
    expect(last).toBe(
      `ipcdump: Bun ended by SIGSEGV, a bug: what was not printed yet is lost; the command goes on as pid ${pid}`,
    );
    expect(await ipcdump.ended()).toBe(1);
  },
);

test("a hang-up that the caller ignores ends nothing, as nohup has it", async () => {
  using ipcdump = await Ipcdump.tracing(TRACE, { command: ["nohup", EXECUTABLE] });
  ipcdump.kill("SIGHUP");
  const victim = Bun.spawn(["sleep", "60"]);
  process.kill(victim.pid, "SIGTERM");
  await victim.exited;
  await ipcdump.until("a signal of after", () =>
    ipcdump.stdout.find((line) => JSON.parse(line).dst_pid === victim.pid),
  );
  ipcdump.kill("SIGTERM");
  expect(await ipcdump.ended()).toBe(0);
});

test("an event of more than 16 MB comes out whole", async () => {
  const length = 17 * 1024 * 1024;
  const output = join(folder, "giant");
  const flags = ["-q", "-t", "unix-stream", "-x", "--ring", "64M", "-f", "json", "-o", output];
  using ipcdump = new Ipcdump([...flags, "--", await programPath("giant"), `${length}`]);
  expect(await ipcdump.ended()).toBe(0);
  expect(ipcdump.stdout).toEqual([`${length}`]);
  const events = readFileSync(output, "latin1")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  // its own stdout is a socket, too
  const [event, ...more] = events.filter(({ dst_comm }) => dst_comm === "giant");
  expect([event.src_comm, event.meta.count, more]).toEqual(["giant", length, []]);
  const expected = Uint8Array.from({ length }, (_, i) => i % 251);
  expect(Buffer.from(event.bytes, "base64").equals(expected)).toBe(true);
});
