import { expect, test } from "bun:test";
import { resolve } from "node:path";

const log = resolve(import.meta.dir, "../../src/log.ts");

function stderrOf(script: string, line = '"$bun" -e "$script"'): string {
  const { stdout, stderr } = Bun.spawnSync(["bash", "-c", line], {
    env: {
      ...process.env,
      bun: process.execPath,
      script: `import { flushLog, log, setVerbosity } from ${JSON.stringify(log)};\n${script}`,
    },
  });
  expect(stdout.toString()).toBe("");
  return stderr.toString();
}

const everything = `log.error("e"); log.warn("w"); log.info("i"); log.verbose("v"); log.debug("d");`;
test.each([
  [{ quiet: true, verbosity: 0 }, "ipcdump: e\nw\n"],
  [{ quiet: false, verbosity: 0 }, "ipcdump: e\nw\ni\n"],
  [{ quiet: false, verbosity: 1 }, "ipcdump: e\nw\ni\nv\n"],
  [{ quiet: false, verbosity: 2 }, "ipcdump: e\nw\ni\nv\nd\n"],
])("levels %j", (options, lines) => {
  expect(stderrOf(`setVerbosity(${JSON.stringify(options)}); ${everything}`)).toBe(lines);
});

test("lines are exact, repeated ones are not merged, controls can't reach the terminal", () => {
  const line = "tracing pipe (fentry), signal (tracepoint; not seen: `io_uring`)";
  expect(stderrOf(`for (let i = 0; i < 20; i++) log.info(${JSON.stringify(line)});`)).toBe(
    `${line}\n`.repeat(20),
  );
  expect(stderrOf(String.raw`log.warn("two\nlines \x1b[31m\u009b")`)).toBe("two\nlines \\x1b[31m\\x9b\n");
});

test("a stuck stderr holds nobody up, and what it did not take comes later", () => {
  // fd 3 is the other end of stderr's pipe; nobody reads it before the script itself does.
  const line = `
    fifo=$(mktemp -u); mkfifo "$fifo"; exec 3<>"$fifo"; rm "$fifo"
    "$bun" -e "$script" 2>&3 && echo all there >&2`;
  const script = `
    import { readSync } from "node:fs";
    const start = performance.now();
    for (let i = 0; i < 12_000; i++) log.info("line 1");
    if (performance.now() - start > 60_000) process.exit(1);
    const piece = Buffer.alloc(30_000);
    let text = "";
    while (text.length < 84_000) {
      text += piece.toString("latin1", 0, readSync(3, piece));
      flushLog(0);
    }
    process.exit(text === "line 1\\n".repeat(12_000) ? 0 : 1);`;
  expect(stderrOf(script, line)).toBe("all there\n");
});

test("a closed stderr is no error", () => {
  expect(stderrOf(everything, '"$bun" -e "$script" 2>&- && echo fine >&2')).toBe("fine\n");
  expect(stderrOf(everything, '"$bun" -e "$script" 2> >(true) && echo fine >&2')).toBe("fine\n");
});
