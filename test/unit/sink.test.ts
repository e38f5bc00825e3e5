import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
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
import { join, resolve } from "node:path";
import { Failure } from "../../src/failure.ts";
import { type Flushed, Sink } from "../../src/sink.ts";

const folder = mkdtempSync(join(tmpdir(), "ipcdump-sink-"));
afterAll(() => rmSync(folder, { recursive: true }));
const source = resolve(import.meta.dir, "../../src");

let files = 0;
const fresh = () => join(folder, `file-${files++}`);
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
function fifo(): string {
  const path = fresh();
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  return path;
}

/** Runs a shell line in which $bun, $script (given TypeScript) and $main can be used. */
function shell(line: string, script = ""): { status: number; stdout: string; stderr: string } {
  const path = `${fresh()}.ts`;
  writeFileSync(path, `import { Sink } from ${JSON.stringify(join(source, "sink.ts"))};\n${script}`);
  const { exitCode, stdout, stderr } = Bun.spawnSync(["bash", "-o", "pipefail", "-c", line], {
    env: { ...process.env, bun: process.execPath, script: path, main: join(source, "main.ts"), folder },
  });
  return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** What `run` throws, as the user would read it. */
function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
  return "nothing failed";
}

describe("-o FILE", () => {
  test("a new file is the owner's alone", () => {
    const path = fresh();
    using sink = Sink.open(path);
    sink.start();
    sink.output.string("line\n");
    expect(sink.flush()).toBe("done");
    expect(readFileSync(path, "utf8")).toBe("line\n");
    expect(mode(path)).toBe("600");
    expect(sink.readerGone()).toBe(false);
  });

  test("an existing file keeps its mode, and its contents until tracing is on", () => {
    const path = fresh();
    writeFileSync(path, "something longer from before\n");
    chmodSync(path, 0o644);
    using sink = Sink.open(path);
    expect(readFileSync(path, "utf8")).toBe("something longer from before\n");
    sink.start();
    sink.output.string("new\n");
    sink.flush();
    expect(readFileSync(path, "utf8")).toBe("new\n");
    expect(mode(path)).toBe("644");
  });

  test("a file made for a tracing that never starts goes again, an old one stays", () => {
    const [made, old] = [fresh(), fresh()];
    writeFileSync(old, "old\n");
    for (const path of [made, old]) {
      using sink = Sink.open(path);
      sink.output.string("never flushed\n");
    }
    expect(existsSync(made)).toBe(false);
    expect(readFileSync(old, "utf8")).toBe("old\n");
  });

  test("a dangling link's target is made", () => {
    const [link, target] = [fresh(), fresh()];
    symlinkSync(target, link);
    using sink = Sink.open(link);
    sink.start();
    sink.output.string("x\n");
    sink.flush();
    expect(readFileSync(target, "utf8")).toBe("x\n");
  });

  test("megabytes in pieces of every size", () => {
    const path = fresh();
    using sink = Sink.open(path);
    sink.start();
    let expected = "";
    for (let i = 0; i < 400; i++) {
      const line = `${"x".repeat((i * 977) % 30_000)}\n`;
      expected += line;
      sink.output.string(line);
      if (i % 7 === 0) expect(sink.flush()).toBe("done");
    }
    sink.flush();
    expect(readFileSync(path, "utf8") === expected).toBe(true);
  });

  test("what can't be opened is named with the reason", () => {
    const missing = join(folder, "none", "out");
    expect(failure(() => Sink.open(missing))).toBe(
      `cannot write to ${missing}: ENOENT, no such file or directory`,
    );
    expect(failure(() => Sink.open(folder))).toBe(`cannot write to ${folder}: EISDIR, is a directory`);
    expect(failure(() => Sink.open(`${folder}/\x1b/x`))).toContain(`${folder}/\\x1b/x`);
  });

  test("a full device", () => {
    using sink = Sink.open("/dev/full");
    sink.start();
    sink.output.string("line\n");
    expect(failure(() => sink.flush())).toBe(
      "cannot write to /dev/full: ENOSPC, no space left on device; make room or write elsewhere with -o",
    );
  });
});

describe("when the device takes no more, whole lines remain", () => {
  const fill = (path: string) => `
    using sink = Sink.open(${path});
    sink.start();
    for (let i = 0; i < 999; i++) sink.output.string(\`line \${i}\\n\`);
    try { sink.flush(); } catch (error) { process.stderr.write(error.message); }`;
  test("and of a line that was written in pieces none", () => {
    const script = `
      using sink = Sink.open(process.env.folder + "/pieces");
      sink.start();
      const { output } = sink;
      output.isPiecewise = true;
      output.string("first\\nsecond\\n");
      let left = 9;
      output.pieces(() => { output.string("x".repeat(300)); return --left > 0; });
      try { sink.flush(); } catch (error) { process.stderr.write(error.message); }`;
    const { stderr } = shell('ulimit -f 2; "$bun" "$script"', script);
    expect(stderr).toContain("EFBIG");
    expect(stderr).toContain("What was written before is complete lines.");
    expect(readFileSync(join(folder, "pieces"), "utf8")).toBe("first\nsecond\n");
  });

  const places: [name: string, line: string, path: string][] = [
    ["-o", 'ulimit -f 2; "$bun" "$script"', "process.env.folder + '/limited'"],
    ["stdout", 'ulimit -f 2; "$bun" "$script" > "$folder/limited"', "null"],
    [
      "stdout, appended",
      'echo first > "$folder/limited"; ulimit -f 2; "$bun" "$script" >> "$folder/limited"',
      "null",
    ],
  ];
  test.each(places)("%s", (_, line, path) => {
    const { stderr } = shell(`rm -f "$folder/limited"; ${line}`, fill(path));
    expect(stderr).toContain(
      "EFBIG, file too large; raise the limit of file sizes: ulimit -f unlimited\nWhat was written before is complete lines.",
    );
    const left = readFileSync(join(folder, "limited"), "utf8");
    expect(left.length).toBeGreaterThan(2000);
    expect(left).toMatch(/line 0\n(.*\n)*line \d+\n$/);
    const all = Array.from({ length: 999 }, (_, i) => `line ${i}\n`).join("");
    expect(`first\n${all}`).toContain(left);
  });
});

describe("FIFO", () => {
  const lines = "line\n".repeat(40_000); // more than a pipe holds

  test("waits for a reader, is blocked by a lazy one, ends with the last", () => {
    const path = fifo();
    using sink = Sink.open(path);
    sink.start();
    expect(sink.flush()).toBe("done");
    sink.output.string(lines);
    expect(sink.flush(1)).toBe("blocked");
    expect(sink.readerGone()).toBe(false);

    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    expect(sink.flush(1)).toBe("blocked");
    const piece = Buffer.alloc(30_000);
    let read = "";
    let state: Flushed = "blocked";
    while (read.length < lines.length) {
      read += piece.toString("latin1", 0, readSync(reader, piece));
      if (state === "blocked") state = sink.flush(1);
    }
    expect(state).toBe("done");
    expect(read === lines).toBe(true);
    expect(sink.readerGone()).toBe(false);

    closeSync(reader);
    expect(sink.readerGone()).toBe(true);
    sink.output.string("more\n");
    expect(sink.flush(1)).toBe("gone");
  });

  test("at the end nobody waits for a reader that never came", () => {
    using sink = Sink.open(fifo());
    sink.start();
    sink.output.string("line\n");
    expect(sink.flush()).toBe("blocked");
    sink.stop();
    expect(sink.readerGone()).toBe(true);
    expect(sink.flush()).toBe("gone");
  });
});

describe("stdout", () => {
  test("a reader that leaves early is no error", () => {
    expect(shell('"$bun" "$main" --help | head -1')).toEqual({
      status: 0,
      stdout: "Usage: ipcdump [FLAGS]\n",
      stderr: "",
    });
    expect(shell('"$bun" "$main" --help | true')).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("a reader that left is noticed without a write", () => {
    const script = `
      using sink = Sink.open(null);
      while (!sink.readerGone()) await Bun.sleep(1);
      process.stderr.write("gone");`;
    expect(shell('"$bun" "$script" | true', script)).toEqual({ status: 0, stdout: "", stderr: "gone" });
  });

  // Through a pipe, through a file, and through a socket, which is what Bun.spawn's "pipe" can be.
  const pour = `
    using sink = Sink.open(null);
    for (let i = 0; i < 300_000; i++) {
      sink.output.string(\`line \${i}\\n\`);
      if (sink.output.length > 65536) while (sink.flush(50) === "blocked") await Bun.sleep(0);
    }
    while (sink.flush(50) === "blocked") await Bun.sleep(0);`;
  test.each([
    '"$bun" "$script" | cat',
    '"$bun" "$script" > "$folder/poured"; cat "$folder/poured"',
    '"$bun" "$script"',
  ])("megabytes arrive whole: %s", (line) => {
    const { stdout } = shell(line, pour);
    expect(stdout === Array.from({ length: 300_000 }, (_, i) => `line ${i}\n`).join("")).toBe(true);
  });

  test("a stuck reader delays no signal, and the shared description stays blocking", () => {
    const script = `
      import { readFileSync } from "node:fs";
      using sink = Sink.open(null);
      sink.output.string("line\\n".repeat(100_000));
      process.on("SIGTERM", () => {
        const flags = /flags:\\s*(\\d+)/.exec(readFileSync("/proc/self/fdinfo/1", "utf8"))[1];
        process.stderr.write(\`handled, \${(Number.parseInt(flags, 8) & 0o4000) === 0 ? "blocking" : "O_NONBLOCK"}\`);
        process.exit(0);
      });
      let blocked = 0;
      while (sink.flush(50) === "blocked") {
        await Bun.sleep(0);
        if (++blocked === 3) process.kill(process.pid, "SIGTERM");
      }`;
    // The FIFO's reader is a shell that has it open and never reads.
    const { stderr } = shell(
      'mkfifo "$folder/stuck"; exec 3<>"$folder/stuck"; "$bun" "$script" > "$folder/stuck"',
      script,
    );
    expect(stderr).toBe("handled, blocking");
  });

  test("errors are lines on stderr with the right status, never a stack", () => {
    expect(shell('"$bun" "$main" -f jsn')).toEqual({
      status: 2,
      stdout: "",
      stderr: "ipcdump: -f jsn is unknown; did you mean json?\n",
    });
    const full = shell('"$bun" "$main" --help > /dev/full');
    expect(full.status).toBe(1);
    expect(full.stderr).toBe(
      "ipcdump: cannot write to stdout: ENOSPC, no space left on device; make room or write elsewhere with -o\n",
    );
  });

  test("version", () => {
    expect(shell('"$bun" "$main" --version').stdout).toMatch(/^ipcdump \d+\.\d+\.\d+\n$/);
    expect(shell('"$bun" "$main" --version -v').stdout).toContain(`\nbun ${Bun.version}\n`);
  });
});
