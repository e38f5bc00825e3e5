import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { basename, join } from "node:path";
import { mirror } from "../../ffi/bundle/mirror.ts";
import { pinnedFile } from "../../ffi/bundle/pinned.ts";
import pins from "../../ffi/bundle/pins.json" with { type: "json" };
import { Mirror } from "../harness/mirror.ts";
import { newcomer } from "../harness/newcomer.ts";

// compilers and twenty builds
setDefaultTimeout(3_600_000);

/** Traces a pipe of its own, says how that ended, what it saw of it and what it said. */
const traces =
  "npm start -- -t pipe --duration 30 -f json -- sh -c 'echo hello | cat >/dev/null' >/tmp/out 2>/tmp/err </dev/null; " +
  'echo "status $?, events $(grep -c \'"type":"pipe"\' /tmp/out), tracing $(grep -c ^tracing /tmp/err)"; ' +
  'grep "nowhere to be had" /tmp/err';
const traced = "status 0, events 1, tracing 1";

/** Kills it twenty times, every other time with all that it started, at moments that are the same each time. */
const kills = `
i=0
while [ $i -lt 20 ]; do
  i=$((i + 1))
  setsid npm start -- -t pipe --duration 3 >/tmp/out 2>&1 </dev/null &
  sleep $((i * 7919 % 14)).$((i * 104729 % 10))
  case $((i % 2)) in
  0) kill -9 -$! ;;
  1) kill -9 $! ;;
  esac 2>/dev/null
  wait $! 2>/dev/null
done`;

async function run(suite: string, given: string, uri: string, script: string): Promise<string[]> {
  const child = Bun.spawn(await newcomer(suite, given, uri, script), {
    ...{ stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  });
  const said = await child.stdout.text();
  await child.exited;
  return said.trim().split("\n");
}

describe.each(["bookworm", "trixie"])("npm start in a clean %s with node and npm", (suite) => {
  test("traces, by a mirror that lacks every .dsc, and by none where $IPCDUMP_SOURCES has the tarballs", async () => {
    const [archive = ""] = (await mirror()).archives;
    using front = new Mirror({}, { mirror: archive, missing: /\.dsc$|\.debian\.tar/ });
    using nothing = new Mirror();
    const given = front.folder("given");
    for (const pin of [pins.libbpf, pins.libelf, pins.zlib]) {
      const path = await pinnedFile(pin);
      copyFileSync(path, join(given, basename(path)));
    }
    const without = [
      `rm -rf dist /root/.cache; echo "deb ${nothing.uri} ${suite} main" >/etc/apt/sources.list`,
      `${traces}; export IPCDUMP_SOURCES=/given`,
    ].join("; ");
    const said = await run(suite, given, front.uri, `${traces}; ${without}; ${traces}`);
    expect(said).toEqual([
      traced,
      "status 1, events 0, tracing 0",
      ...[pins.libbpf, pins.libelf, pins.zlib].map(({ file }) => expect.stringContaining(file)),
      traced,
    ]);
    expect(front.asked.filter((line) => line.includes(".dsc"))).toEqual([]);
  });

  test("traces after it was killed at twenty moments", async () => {
    const [archive = ""] = (await mirror()).archives;
    using front = new Mirror({}, { mirror: archive, missing: /\.dsc$/ });
    const script = `${kills}; ${traces}; dpkg --audit; find dist /root/.cache/ipcdump -name 'partial.*'`;
    expect(await run(suite, front.folder("given"), front.uri, script)).toEqual([traced]);
  });
});
