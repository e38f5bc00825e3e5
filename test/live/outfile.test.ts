import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE, Ipcdump, STATIC } from "../harness/ipcdump.ts";
import { CAPABILITIES } from "../harness/privileges.ts";
import { programPath } from "../harness/programs.ts";

setDefaultTimeout(2 * PATIENCE);

const another = 12345;
let folder: string;
/** As /tmp is: everybody may make files in it, and only their owners may take them away. */
let shared: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-outfile-"));
  chmodSync(folder, 0o755);
  shared = join(folder, "shared");
  mkdirSync(shared);
  chmodSync(shared, 0o1777);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Traces two processes into a file: the status, and what was said. */
async function into(path: string, command = [EXECUTABLE]): Promise<{ status: number; said: string[] }> {
  using ipcdump = new Ipcdump(
    [
      "-q",
      "-t",
      "pipe",
      "--backend",
      BACKEND,
      "-o",
      path,
      "--",
      "sh",
      "-c",
      "echo hello | cat >/dev/null; :",
    ],
    { command },
  );
  return { status: await ipcdump.ended(), said: ipcdump.stderr };
}

function file(path: string, text: string, owner: number, mode: number): string {
  writeFileSync(path, text);
  chmodSync(path, mode);
  chownSync(path, owner, owner);
  return path;
}

function fifo(path: string, owner: number): string {
  expect(Bun.spawnSync(["mkfifo", "-m", "666", path]).exitCode).toBe(0);
  chownSync(path, owner, owner);
  return path;
}

function link(path: string, target: string, owner: number): string {
  symlinkSync(target, path);
  lchownSync(path, owner, owner);
  return path;
}

const event = / pipe \d+\(sh\) > \d+\(cat\): .* count 6$/m;

describe("what another user has put into a folder like /tmp is refused, and stays as it is", () => {
  const refusal = (path: string, what = "it") => ({
    status: 1,
    said: [
      `ipcdump: cannot write to ${path}: ${what} is another user's (uid ${another}), in a folder that is open to all; choose another file`,
    ],
  });

  test("a file", async () => {
    const path = file(join(shared, "theirs"), "trap", another, 0o666);
    expect(await into(path)).toEqual(refusal(path));
    expect(readFileSync(path, "utf8")).toBe("trap");
  });

  test("a file, where the group may make some", async () => {
    const place = join(folder, "group");
    mkdirSync(place);
    chmodSync(place, 0o1775);
    const path = file(join(place, "theirs"), "trap", another, 0o666);
    expect(await into(path)).toEqual(refusal(path));
    expect(readFileSync(path, "utf8")).toBe("trap");
  });

  test("a link to one of our files, or to nothing", async () => {
    const precious = file(join(folder, "precious"), "precious", 0, 0o600);
    const path = link(join(shared, "link"), precious, another);
    expect(await into(path)).toEqual(refusal(path, "the link link"));
    expect(readFileSync(precious, "utf8")).toBe("precious");
    const dangling = link(join(shared, "dangling"), join(folder, "new"), another);
    expect(await into(dangling)).toEqual(refusal(dangling, "the link dangling"));
    expect(existsSync(join(folder, "new"))).toBe(false);
  });

  test("a link that one's own leads to, or that stands for a folder", async () => {
    const precious = file(join(folder, "precious"), "precious", 0, 0o600);
    const theirs = link(join(shared, "further"), precious, another);
    const path = link(join(folder, "to-theirs"), theirs, 0);
    expect(await into(path)).toEqual(refusal(path, "the link further"));
    link(join(shared, "folder"), folder, another);
    const within = join(shared, "folder", "precious");
    expect(await into(within)).toEqual(refusal(within, "the link folder"));
    expect(readFileSync(precious, "utf8")).toBe("precious");
  });

  test("a FIFO, with a reader and without", async () => {
    const path = fifo(join(shared, "fifo"), another);
    expect(await into(path)).toEqual(refusal(path));
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    expect(await into(path)).toEqual(refusal(path));
    expect(readSync(reader, Buffer.alloc(99))).toBe(0);
    closeSync(reader);
  });
});

describe("one's own goes on working", () => {
  test("a new file", async () => {
    const path = join(shared, "new");
    expect(await into(path)).toEqual({ status: 0, said: [] });
    expect(readFileSync(path, "utf8")).toMatch(event);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("a file", async () => {
    const path = file(join(shared, "own"), "old", 0, 0o640);
    expect(await into(path)).toEqual({ status: 0, said: [] });
    expect(readFileSync(path, "utf8")).toMatch(event);
    expect(readFileSync(path, "utf8")).not.toContain("old");
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  test("links: relative, to a folder, and many", async () => {
    const target = file(join(folder, "target"), "old", 0, 0o600);
    let path = link(join(shared, "relative"), "../target", 0);
    link(join(folder, "way"), ".", 0);
    for (let i = 0; i < 9; i++)
      path = link(join(folder, `hop-${i}`), `way/./${i === 0 ? "shared/relative" : `hop-${i - 1}`}`, 0);
    expect(await into(path)).toEqual({ status: 0, said: [] });
    expect(readFileSync(target, "utf8")).toMatch(event);
  });

  test("links in a circle are named", async () => {
    const path = link(join(folder, "circle"), "circle", 0);
    expect(await into(path)).toEqual({
      status: 1,
      said: [`ipcdump: cannot write to ${path}: ELOOP, too many symbolic links`],
    });
  });

  test("a FIFO", async () => {
    const path = fifo(join(shared, "own-fifo"), 0);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    expect(await into(path)).toEqual({ status: 0, said: [] });
    const bytes = Buffer.alloc(4096);
    expect(bytes.toString("latin1", 0, readSync(reader, bytes))).toMatch(event);
    closeSync(reader);
  });

  test("what is open already: /dev/stdout, and what a shell opens", async () => {
    const script = '"$@" -o /dev/stdout -- sh -c "echo hello | cat >/dev/null; :" | cat';
    const words = ["-q", "-t", "pipe", "--backend", BACKEND];
    for (const [shell, line] of [
      ["sh", script],
      ["bash", '"$@" -o >(cat) -- sh -c "echo hello | cat >/dev/null; :"'],
    ] as const) {
      const command = [shell, "-c", line, shell, EXECUTABLE];
      using ipcdump = new Ipcdump(words, { command });
      expect(await ipcdump.ended()).toBe(0);
      await ipcdump.until("the event", () => ipcdump.stdout.find((text) => event.test(text)));
    }
  });
});

test("capabilities that the executable has from its file open nothing that the caller may not", async () => {
  const CAP_DAC_READ_SEARCH = 2;
  const own = join(folder, "capable");
  copyFileSync(STATIC, own);
  chmodSync(own, 0o755);
  const numbers = [...Object.values(CAPABILITIES), CAP_DAC_READ_SEARCH].map(String);
  expect(Bun.spawnSync([await programPath("capable"), own, ...numbers]).exitCode).toBe(0);
  const closed = join(folder, "closed");
  mkdirSync(closed, { mode: 0o700 });
  const path = file(join(closed, "file"), "old", 0, 0o666);
  const command = [await programPath("nobody"), own];
  expect(await into(path, command)).toEqual({
    status: 1,
    said: [`ipcdump: cannot write to ${path}: EACCES, permission denied`],
  });
  expect(readFileSync(path, "utf8")).toBe("old");
  const open = join(shared, "nobody's");
  expect(await into(open, command)).toEqual({ status: 0, said: [] });
  expect(readFileSync(open, "utf8")).toMatch(event);
});
