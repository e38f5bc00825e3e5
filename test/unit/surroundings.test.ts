import { expect, test } from "bun:test";
import { resolve } from "node:path";

const own = resolve(import.meta.dir, "../../src/filter/surroundings.ts");
const look = `
  import { surroundings } from ${JSON.stringify(own)};
  const found = surroundings();
  const words = found === null ? "nothing" : found.lines[0] + "|" + new TextDecoder().decode(found.noise.pager?.terminal.name);
  require("node:fs").writeFileSync(process.env.result, words);`;

/** What is found in a shell line run on a terminal of its own; `$look` looks. */
async function found(line: string): Promise<string> {
  const result = `${process.env.TMPDIR ?? "/tmp"}/ipcdump-own-${process.pid}-${Math.random()}`;
  const { exitCode } = Bun.spawnSync(["script", "-qec", line, "/dev/null"], {
    stdin: "ignore",
    stdout: "ignore",
    env: { ...process.env, SHELL: "/bin/sh", result, look: `"${process.execPath}" -e '${look}'` },
  });
  expect(exitCode).toBe(0);
  const words = await Bun.file(result).text();
  await Bun.file(result).delete();
  return words;
}

test("the terminal on any standard descriptor is left out, and said", async () => {
  for (const redirection of ["", "</dev/null 2>/dev/null", "</dev/null >/dev/null", ">/dev/null 2>&1"]) {
    expect(await found(`eval "$look" ${redirection}`)).toMatch(
      /^not shown: terminal pts\/\d+; --self shows it\|$/,
    );
  }
});

test("without a terminal nothing is", async () => {
  expect(await found('eval "$look" </dev/null >/dev/null 2>&1')).toBe("nothing");
});

/** Looks once cat reads the pipe: a shell starts the left side of a pipeline first. */
const lookWhenRead = `
  exec 3>&1
  pipe=$(readlink /proc/self/fd/3)
  reads() {
    for stdin in /proc/[0-9]*/fd/0; do
      [ "$(readlink $stdin)" = "$pipe" ] && grep -qx cat "\${stdin%/fd/0}/comm" && return
    done
    return 1
  }
  until reads 2>/dev/null; do :; done
  exec 3>&-
  eval "$look"`;

test("the pager at the other end of stdout", async () => {
  expect(await found(`{ ${lookWhenRead}; } | cat`)).toMatch(
    /^not shown: terminal (pts\/\d+); --self shows it\|\1$/,
  );
  expect(await found(`{ ${lookWhenRead}; } </dev/null 2>/dev/null | cat`)).toMatch(
    /^not shown: what \d+\(cat\) writes to terminal (pts\/\d+); --self shows it\|\1$/,
  );
  expect(await found(`{ ${lookWhenRead}; } </dev/null 2>/dev/null | cat >/dev/null`)).toBe("nothing");
});
