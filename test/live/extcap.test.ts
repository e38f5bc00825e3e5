/** As a program that Debian's tshark captures with. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { EXECUTABLE, STATIC } from "../harness/ipcdump.ts";
import { lines } from "../harness/lines.ts";
import { CAPABILITIES } from "../harness/privileges.ts";
import { programPath } from "../harness/programs.ts";

setDefaultTimeout(3 * PATIENCE);

const folder = mkdtempSync(join(tmpdir(), "ipcdump-extcap-"));
const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const sent = "sixteen bytes ..";

interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

function run(...command: string[]): Ran {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command);
  return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

const extcap = (...words: string[]) => run(EXECUTABLE, "extcap", ...words);

beforeAll(() => {
  chmodSync(folder, 0o755);
  for (const name of ["root", "user", "home", "free"]) mkdirSync(join(folder, name));
  chmodSync(join(folder, "home"), 0o777);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the link", () => {
  const free = join(folder, "free");
  const link = join(free, "ipcdump");

  test("is made once, leads here, and says how a user gets the right", () => {
    for (const _ of ["made", "there already"]) {
      const { status, stdout, stderr } = extcap("--install", free);
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout).toStartWith(`${link} is a link to ${realpathSync(EXECUTABLE)}\n`);
      expect(stdout).toContain("setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search+ep ");
      expect(stdout).toContain("groupadd --system ipcdump");
      expect(readlinkSync(link)).toBe(realpathSync(EXECUTABLE));
    }
    expect(run(link, "--extcap-interfaces", "--extcap-version=4.0").stdout).toMatch(
      /^extcap \{version=.*\ninterface \{value=ipcdump\}\{display=Interprocess communication\}\n$/,
    );
  });

  test("goes again, and nobody else's does", () => {
    expect(extcap("--remove", free)).toEqual({ status: 0, stdout: `${link} is gone\n`, stderr: "" });
    expect(extcap("--remove", free)).toEqual({
      status: 1,
      stdout: "",
      stderr: `ipcdump: there is no ${link}\n`,
    });
    for (const make of [() => symlinkSync("/bin/true", link), () => writeFileSync(link, "")]) {
      make();
      const removed = extcap("--remove", free);
      expect([removed.status, removed.stderr]).toEqual([
        1,
        `ipcdump: ${link} stays: it is no link to ${realpathSync(EXECUTABLE)}\n`,
      ]);
      const installed = extcap("--install", free);
      expect(installed.status).toBe(1);
      expect(installed.stderr).toStartWith(`ipcdump: ${link} is there already, and is no link to `);
      expect(lstatSync(link)).toBeDefined();
      rmSync(link);
    }
  });
});

/** The processes of a capture: a FIFO's bytes went from the first to the second. */
interface Moved {
  writer: number;
  reader: number;
}

/** Bytes through a FIFO, again and again until `isSeen`: nobody says when the capture has begun. */
async function moving(fifo: string, isSeen: () => boolean): Promise<Moved[]> {
  const moved: Moved[] = [];
  while (!isSeen()) {
    const writer = Bun.spawn(["sh", "-c", `printf '${sent}' > ${fifo}`], { stdout: "inherit" });
    const reader = Bun.spawn(["cat", fifo], { stdout: "ignore" });
    moved.push({ writer: writer.pid, reader: reader.pid });
    await Promise.all([writer.exited, reader.exited]);
  }
  return moved;
}

/** tshark's lines of the first packets, with `settings` and a capture filter; and all that moved meanwhile. */
async function captured(
  command: readonly string[],
  env: Record<string, string>,
  settings: Readonly<Record<string, string>>,
  filter: string,
): Promise<{ found: string[]; moved: Moved[]; fifo: string; status: number }> {
  const fifo = join(folder, `fifo-${Bun.randomUUIDv7()}`);
  run("mkfifo", fifo);
  const options = Object.entries(settings).flatMap(([name, value]) => [
    "-o",
    `extcap.ipcdump.${name}:${value}`,
  ]);
  const fields = ["-T", "fields", "-e", "frame.comment", "-e", "frame.cap_len", "-e", "frame.len"];
  const tshark = Bun.spawn(
    [
      ...command,
      "tshark",
      "-i",
      "ipcdump",
      ...options,
      "-f",
      filter.replace("FIFO", fifo),
      "-l",
      "-c",
      "3",
    ].concat(fields),
    {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...env } as Record<string, string>,
    },
  );
  const found: string[] = [];
  const all: string[] = [];
  const reading = Promise.all([
    (async () => {
      for await (const line of lines(tshark.stdout)) found.push(line);
    })(),
    (async () => {
      for await (const line of lines(tshark.stderr)) all.push(line);
    })(),
  ]);
  let isOver = false;
  void tshark.exited.then(() => {
    isOver = true;
  });
  const moved = await moving(fifo, () => isOver);
  await reading;
  // with -c it ends by itself, and its own words are about that
  expect(all.filter((line) => /extcap|rror/.test(line))).toEqual([]);
  return { found, moved, fifo, status: await tshark.exited };
}

/** Whether these are packets of what moved, cut to `size` bytes. */
function expectPackets(
  { found, moved, fifo, status }: Awaited<ReturnType<typeof captured>>,
  size: number,
): void {
  expect(status).toBe(0);
  expect(found).toHaveLength(3);
  for (const line of found) {
    const [comment = "", captured, length] = line.split("\t");
    const [, writer, reader, rest] = /^pipe (\d+)\(sh\) > (\d+)\(cat\): (pipe_name .*)$/.exec(comment) ?? [];
    expect(moved).toContainEqual({ writer: Number(writer), reader: Number(reader) });
    expect(rest).toMatch(
      new RegExp(`^pipe_name ${fifo}, pipe_inode \\d+, count ${sent.length}(, captured ${size})?$`),
    );
    const headers = Number(length) - sent.length;
    expect(headers).toBe(60);
    expect(Number(captured)).toBe(headers + size);
  }
}

describe("tshark captures", () => {
  test("as root, with settings and a filter", async () => {
    expect(extcap("--install", join(folder, "root")).status).toBe(0);
    // root's tshark looks into the folder of the system only
    const said = /^(?:Global )?Extcap path:\s*(\/.*)$/im.exec(run("tshark", "-G", "folders").stdout);
    const script = `mount --bind ${join(folder, "root")} ${said?.[1]} && exec "$@"`;
    const inside = ["unshare", "-m", "sh", "-c", script, "sh"];
    expect(run(...inside, "tshark", "-D").stdout).toMatch(/^\d+\. ipcdump \(Interprocess communication\)$/m);
    const settings = { kinds: "pipe,signal", size: "7", processes: "cat" };
    expectPackets(await captured(inside, {}, settings, "--path 'FIFO' -S sh"), 7);
  });

  test("as an ordinary user, by the static file with capabilities", async () => {
    const file = join(folder, "capable");
    copyFileSync(STATIC, file);
    chmodSync(file, 0o755);
    const numbers = Object.values(CAPABILITIES).map(String);
    expect(run(await programPath("capable"), file, ...numbers).status).toBe(0);
    symlinkSync(file, join(folder, "user", "ipcdump"));
    const env = { WIRESHARK_EXTCAP_DIR: join(folder, "user"), HOME: join(folder, "home") };
    expectPackets(
      await captured(nobody, env, { paths: `${folder}/*` }, "-t pipe -S sh -D cat --not-pid 1"),
      sent.length,
    );
  });

  test("without the right it says which is missing, and the remedy", () => {
    const words = ["--capture", "--extcap-interface", "ipcdump", "--fifo", "/dev/null"];
    const { status, stdout, stderr } = run(...nobody, ...readable(), ...words);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(
      "ipcdump: tracing needs CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, which this user has not\n" +
        "How to give them: sudo ipcdump extcap --install\n",
    );
  });
});

/** The executable where everybody can reach it. */
function readable(): string[] {
  const copy = join(folder, "ipcdump");
  copyFileSync(EXECUTABLE, copy);
  chmodSync(copy, 0o755);
  return [copy];
}

test("a filter is refused with its reason, and one of ours is not", () => {
  const asked = (filter: string) =>
    run(EXECUTABLE, "--extcap-interface", "ipcdump", "--extcap-capture-filter", filter);
  expect(asked("-p 5 -t unix")).toEqual({ status: 0, stdout: "", stderr: "" });
  const refused: Readonly<Record<string, RegExp>> = {
    "src nginx": /^a capture filter here is flags like -p 812 or -t unix, not src\n$/,
    "--pth /a": /^unknown flag --pth; did you mean --path\?\n$/,
    "-o /tmp/x": /^a capture filter says which events, not -f, -o, -r or -- CMD\n$/,
    "-t pipe -- ls": /^a capture filter says which events, not -f, -o, -r or -- CMD\n$/,
    "--help": /^a capture filter is flags that say which events\n$/,
  };
  for (const [filter, reason] of Object.entries(refused)) {
    const { status, stdout } = asked(filter);
    expect([filter, status, reason.test(stdout) || stdout]).toEqual([filter, 0, true]);
  }
});
