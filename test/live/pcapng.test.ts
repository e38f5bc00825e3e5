/** Recordings, as Wireshark's tshark and ipcdump itself read them. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, PATIENCE } from "../harness/condition.ts";
import { EXECUTABLE } from "../harness/ipcdump.ts";
import { lines } from "../harness/lines.ts";
import { lengths, longBody, record, requests } from "../harness/recording.ts";

setDefaultTimeout(3 * PATIENCE);

const folder = mkdtempSync(join(tmpdir(), "ipcdump-pcapng-"));
const file = join(folder, "run.pcapng");
const server = join(folder, "docker.sock");

/** The same run as ipcdump showed it while it traced. */
let live: string[] = [];

interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

function run(command: readonly string[], stdin?: Uint8Array): Ran {
  const env = { ...process.env, LC_ALL: "C.UTF-8" };
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { env, stdin: stdin ?? "ignore" });
  return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** What tshark answers; whatever it warns of fails the test. */
function tshark(...words: string[]): string {
  const { status, stdout, stderr } = run(["tshark", "-r", file, ...words]);
  const warnings = stderr.split("\n").filter((line) => line !== "" && !/^Running as user "root"/.test(line));
  expect(warnings).toEqual([]);
  expect(status).toBe(0);
  return stdout;
}

const rows = (text: string) => text.split("\n").filter((line) => line !== "");
const untimed = (line: string) => line.replace(/"time":"[^"]*"/, '"time":""');

/**
 * Compares what two tracers saw of one run, but for its times. Of an end that one of them had to guess, or could not
 * know, the other may have known more: each asks by itself.
 */
function expectSame(recorded: readonly string[]): void {
  const parts = (line: string) => {
    const { src_pid, src_comm, dst_pid, dst_comm, type, meta, bytes } = JSON.parse(line);
    const { src_guess, dst_guess, ...facts } = meta;
    const isSure = !src_guess && !dst_guess && src_comm !== "<unknown>" && dst_comm !== "<unknown>";
    return {
      ends: [src_pid, src_comm, dst_pid, dst_comm],
      isSure,
      moved: JSON.stringify([type, facts, bytes]),
    };
  };
  const order = (lines: readonly string[]) => lines.map(parts).sort((a, b) => (a.moved < b.moved ? -1 : 1));
  const [here, there] = [order(recorded), order(live)];
  expect(here.map(({ moved }) => moved)).toEqual(there.map(({ moved }) => moved));
  const sure = here.map(({ isSure }, i) => isSure && there[i]!.isSure);
  expect(here.filter((_, i) => sure[i]).map(({ ends }) => ends)).toEqual(
    there.filter((_, i) => sure[i]).map(({ ends }) => ends),
  );
  expect(sure.filter((is) => is).length).toBeGreaterThan(requests);
}

beforeAll(async () => {
  live = await record({ folder, file, server });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("read again it is what was shown live, but for the times that each took", () => {
  const { status, stdout, stderr } = run([EXECUTABLE, "-r", file, "-f", "json", "-x"]);
  expect(status).toBe(0);
  expect(stderr).toMatch(new RegExp(`^${live.length} events in .* 0 lost\n$`));
  expectSame(rows(stdout));
});

test("from stdin, without contents, filtered, counted, summed up", () => {
  const piped = run([EXECUTABLE, "-r", "-", "-f", "json", "-t", "signal"], readFileSync(file));
  const signals = live.filter((line) => line.includes('"type":"signal"'));
  expect(rows(piped.stdout).map(untimed)).toEqual(signals.map(untimed));
  expect(signals.length).toBeGreaterThan(0);
  const few = run([EXECUTABLE, "-r", file, "-c", "3", "-f", "csv"]);
  expect(rows(few.stdout)).toHaveLength(4);
  const path = run([EXECUTABLE, "-r", file, "--path", server, "--summary", "-f", "json"]);
  const sums = rows(path.stdout).map((line) => JSON.parse(line));
  const bytes = live
    .map((line) => JSON.parse(line))
    .filter(({ meta }) => meta.path === server)
    .reduce((sum, { meta }) => sum + meta.count, 0);
  expect(sums.reduce((sum, row) => sum + row.bytes, 0)).toBe(bytes);
  expect(bytes).toBeGreaterThan(longBody);
});

test("tshark follows the conversation: every request and every byte of the answers", () => {
  const uris = tshark("-Y", "http.request", "-T", "fields", "-e", "http.request.uri");
  expect(rows(uris)).toEqual(lengths.map((_, n) => `/containers?n=${n}`));
  const found = tshark("-Y", "http.response", "-T", "fields", "-e", "http.content_length");
  expect(rows(found).map(Number)).toEqual(lengths);
});

test("tshark shows both processes by name, and the line as a comment", () => {
  const found = tshark(
    "-N",
    "n",
    "-Y",
    "http.request",
    "-T",
    "fields",
    "-e",
    "ipv6.src_host",
    "-e",
    "ipv6.dst_host",
    "-e",
    "frame.comment",
  );
  const last = rows(found).at(-1) ?? "";
  const isRequest = ({ bytes }: { bytes: string }) =>
    Buffer.from(bytes, "base64").toString().startsWith("GET ");
  const event = live
    .map((line) => JSON.parse(line))
    .filter(({ meta }) => meta.path === server)
    .findLast(isRequest);
  const [source, destination, comment] = last.split("\t");
  expect(source).toBe(`${event.src_comm}.${event.src_pid}`);
  expect(destination).toBe(`${event.dst_comm}.${event.dst_pid}`);
  expect(comment).toBe(
    `unix-stream ${event.src_pid}(${event.src_comm}) > ${event.dst_pid}(${event.dst_comm}): path ${server}, ` +
      `count ${event.meta.count}, src_inode ${event.meta.src_inode}, dst_inode ${event.meta.dst_inode}`,
  );
});

test("tshark finds the signal by the name of who got it", () => {
  const found = tshark(
    "-Y",
    'systemd_journal.object_comm == "sleep"',
    "-T",
    "fields",
    "-e",
    "systemd_journal.message",
  );
  expect(rows(found)).toHaveLength(1);
  expect(found).toMatch(/^signal \d+\(sh\) > \d+\(sleep\): num 15, name SIGTERM\n$/);
});

test("saved anew by tshark, editcap and mergecap it still reads", () => {
  const savers: readonly ((to: string) => string[])[] = [
    (to) => ["tshark", "-r", file, "-w", to],
    (to) => ["editcap", file, to],
    (to) => ["mergecap", "-w", to, file],
  ];
  for (const saver of savers) {
    const saved = join(folder, `${saver("")[0]}.pcapng`);
    expect(run(saver(saved)).status).toBe(0);
    const { status, stdout } = run([EXECUTABLE, "-r", saved, "-f", "json", "-x"]);
    expect([saver("")[0], status]).toEqual([saver("")[0], 0]);
    expectSame(rows(stdout));
  }
});

test("recorded anew from the recording it is the same, line by line, in every format", () => {
  const again = join(folder, "again.pcapng");
  expect(run([EXECUTABLE, "-r", file, "-f", "pcapng", "-o", again]).status).toBe(0);
  for (const format of ["text", "json", "csv"]) {
    const [first, second] = [file, again].map((one) => run([EXECUTABLE, "-r", one, "-f", format, "-x"]));
    expect(second).toEqual(first!);
  }
});

test("a file that is cut, foreign or none says so after what could be read", () => {
  const whole = readFileSync(file);
  const cut = join(folder, "cut.pcapng");
  writeFileSync(cut, whole.subarray(0, whole.length - 1000));
  const part = run([EXECUTABLE, "-r", cut, "-f", "json", "-q"]);
  expect(part.status).toBe(1);
  expect(rows(part.stdout).length).toBeGreaterThan(requests);
  expect(part.stderr).toMatch(
    /^ipcdump: \S+cut\.pcapng: at byte \d+: it ends within a block\n.*What was before is shown\.\n$/,
  );
  const other = run([EXECUTABLE, "-r", EXECUTABLE]);
  expect(other.status).toBe(1);
  expect(other.stderr).toMatch(/at byte 0: it does not begin as pcapng\n$/);
  const missing = run([EXECUTABLE, "-r", join(folder, "missing")]);
  expect([missing.status, missing.stderr]).toEqual([
    1,
    `ipcdump: cannot read ${folder}/missing: ENOENT, no such file or directory\n`,
  ]);
});

test("reading needs no rights", () => {
  const shared = join(folder, "shared.pcapng");
  writeFileSync(shared, readFileSync(file));
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", EXECUTABLE];
  const { status, stdout } = run([...nobody, "-r", "-", "-f", "json", "-q"], readFileSync(shared));
  expect([status, rows(stdout).length]).toEqual([0, live.length]);
});

describe("a recording that goes on", () => {
  /** Has read all that there is so far; its stdin stays open. */
  async function reading() {
    const ipcdump = Bun.spawn([EXECUTABLE, "-r", "-", "-f", "json", "-x"], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    ipcdump.stdin.write(readFileSync(file));
    await ipcdump.stdin.flush();
    const stdout = lines(ipcdump.stdout);
    const shown: string[] = [];
    while (shown.length < live.length) shown.push((await stdout.next()).value as string);
    return { ipcdump, stdout, shown };
  }

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "is shown as it comes, and ends by %s",
    async (name) => {
      const { ipcdump, stdout, shown } = await reading();
      expectSame(shown);
      ipcdump.kill(name);
      expect(await ipcdump.exited).toBe(0);
      expect(await stdout.next()).toMatchObject({ done: true });
      expect(await ipcdump.stderr.text()).toMatch(/^\d+ events in .* 0 lost\n$/);
    },
  );

  test("has its totals at SIGUSR1", async () => {
    const { ipcdump } = await reading();
    ipcdump.kill("SIGUSR1");
    const said: string[] = [];
    for await (const line of lines(ipcdump.stderr)) if (said.push(line) === 1) ipcdump.stdin.end();
    expect(await ipcdump.exited).toBe(0);
    expect(said).toHaveLength(2);
    expect(said[1]).toBe(said[0]!);
    expect(said[0]).toStartWith(`${live.length} events in `);
  });

  test("ends when nobody reads any more", async () => {
    const { ipcdump, stdout } = await reading();
    await stdout.return(undefined);
    expect(await ipcdump.exited).toBe(0);
    expect(await ipcdump.stderr.text()).toBe("");
  });
});

test("a second signal ends it while nobody takes its output", async () => {
  const stuck = join(folder, "stuck");
  run(["mkfifo", stuck]);
  const reader = openSync(stuck, constants.O_RDONLY | constants.O_NONBLOCK);
  const ipcdump = Bun.spawn([EXECUTABLE, "-r", file, "-f", "json", "-x", "-o", stuck], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  // once it writes it has more than a FIFO takes
  await eventually("the first byte", () => {
    try {
      return readSync(reader, new Uint8Array(1)) || undefined;
    } catch {
      return undefined;
    }
  });
  while (ipcdump.exitCode === null) {
    ipcdump.kill("SIGTERM");
    await Bun.sleep(20);
  }
  expect(ipcdump.exitCode).toBe(128 + 15);
  closeSync(reader);
});
