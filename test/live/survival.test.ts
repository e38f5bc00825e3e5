import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sockets } from "../../src/proc/sockets.ts";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, Ipcdump, PLAIN, STATIC } from "../harness/ipcdump.ts";
import { lines } from "../harness/lines.ts";
import { CAPABILITIES } from "../harness/privileges.ts";
import { programPath } from "../harness/programs.ts";
import { run } from "../harness/workload.ts";

setDefaultTimeout(3 * PATIENCE);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipcdump-survival-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** How ipcdump ends below a limit of the shell's, and what it says. */
async function limited(limit: string, executable: string, command: string[] = [], words: string[] = []) {
  const script = `ulimit ${limit}; exec "$@"`;
  using ipcdump = new Ipcdump(["-t", "pipe", "--duration", "0.1", ...words], {
    command: ["bash", "-c", script, "bash", ...command, executable],
  });
  return { status: await ipcdump.ended(), said: ipcdump.stderr };
}

describe("what is missing is named, with its remedy", () => {
  const said = (words: string) => ({ status: 1, said: [`ipcdump: ${words}`] });

  test.each([PLAIN, STATIC])("address space, a stack, process numbers: %s", async (executable) => {
    expect(await limited("-v 1000000", executable)).toEqual(
      said("too little address space; raise its limit: ulimit -v 8000000"),
    );
    expect(await limited("-s 100", executable)).toEqual(
      said("too little stack; raise its limit: ulimit -s 8192"),
    );
    // whoever has CAP_SYS_RESOURCE may have more
    const nobody = [
      await programPath("with"),
      Object.values(CAPABILITIES)
        .filter((n) => n !== 24)
        .join(),
    ];
    expect(await limited("-u 3", executable, nobody)).toEqual(
      said(
        "no process numbers are free for its threads; end some processes, or raise kernel.pid_max, pids.max of the cgroup or ulimit -u",
      ),
    );
  });

  test("/proc, without which only the static file goes on", () => {
    const script = 'umount -l /proc; exec "$0" -t signal --duration 0.1';
    const { exitCode, stderr } = Bun.spawnSync(["unshare", "-m", "sh", "-c", script, PLAIN]);
    expect({ status: exitCode, said: stderr.toString().trimEnd().split("\n") }).toEqual(
      said("/proc is not mounted; mount it: mount -t proc proc /proc, or take ipcdump-static"),
    );
  });

  test("descriptors", async () => {
    for (const executable of [PLAIN, STATIC])
      expect(await limited("-n 4", executable)).toEqual(
        said("too few descriptors; raise their limit: ulimit -n 1024"),
      );
    let refused = 0;
    for (let files = 8; files <= 64; files += 2)
      for (const executable of [PLAIN, STATIC]) {
        const { status, said } = await limited(`-n ${files}`, executable);
        if (status === 0) continue; // it goes on with what it has
        refused++;
        const why = /: EMFILE, too many open files; raise the limit of open files: ulimit -n 1024$/;
        expect([files, status, said[0]]).toEqual([files, 1, expect.stringMatching(why)]);
        expect(said.length).toBeLessThanOrEqual(2); // libbpf's own words
      }
    expect(refused).toBeGreaterThan(10);
  });

  test("descriptors, with a command and its own", async () => {
    for (let files = 8; files <= 32; files++) {
      const { status, said } = await limited(`-n ${files}`, PLAIN, [], ["--", "true"]);
      if (status === 0) continue;
      const why = /: EMFILE, too many open files; raise the limit of open files: ulimit -n 1024$/;
      expect([files, status, said[0]]).toEqual([files, 1, expect.stringMatching(why)]);
    }
  });

  test("the size of files, which those in memory have too", async () => {
    const tooLarge = "EFBIG, file too large; raise the limit of file sizes: ulimit -f unlimited";
    expect(await limited("-f 1", PLAIN)).toEqual(said(`cannot write libbpf to memory: ${tooLarge}`));
    expect(await limited("-f 1", STATIC, [], ["-q", "--", "sh", "-c", "exit 5"])).toEqual({
      status: 5,
      said: [],
    });
  });

  test("a folder to be in", () => {
    const gone = join(folder, "gone");
    const script = `mkdir ${gone} && cd ${gone} && rmdir ${gone} && exec "$0" -t pipe --duration 0.1`;
    for (const executable of [PLAIN, STATIC]) {
      const { exitCode, stderr } = Bun.spawnSync(["sh", "-c", script, executable]);
      expect({ status: exitCode, said: stderr.toString().trimEnd().split("\n") }).toEqual(
        said("the current folder was deleted; cd to another one"),
      );
    }
  });

  test("memory of a cgroup, before the kernel ends it for want of that", () => {
    const script = `
      case $(cat /proc/self/cgroup) in
      *:memory:*) root=/sys/fs/cgroup/memory limit=memory.limit_in_bytes ;;
      *) root=/sys/fs/cgroup limit=memory.max; echo +memory >$root/cgroup.subtree_control || exit ;;
      esac
      outer=$root/ipcdump-survival-$$; group=$outer/inner
      mkdir -p $group; echo $1 >$outer/$limit; shift
      (sh -c 'echo $$ >$0/cgroup.procs; exec "$@"' $group "$@"); status=$?
      rmdir $group $outer; exit $status`;
    for (const executable of [PLAIN, STATIC]) {
      const within = (memory: string) => {
        const words = [memory, executable, "-t", "signal", "--duration", "0.1"];
        const { exitCode, stderr } = Bun.spawnSync(["sh", "-c", script, "sh", ...words]);
        return { status: exitCode, said: stderr.toString().trimEnd().split("\n") };
      };
      expect(within("20000000")).toEqual(
        said(
          "too little memory in its cgroup; raise memory.max (memory.limit_in_bytes in version 1) to 200M",
        ),
      );
      // whether that is enough depends on what happens
      expect(within("150000000").said[0]).toBe(
        "its cgroup has 149M of memory: the kernel may end ipcdump without a word; raise memory.max to 197M",
      );
    }
  });

  test("what is asked for is enough", async () => {
    for (const limit of ["-v 8000000", "-s 8192"])
      for (const executable of [PLAIN, STATIC]) {
        const { status, said } = await limited(limit, executable);
        expect([limit, status]).toEqual([limit, 0]);
        // lines of what others left unread may follow
        expect(said).toContainEqual(expect.stringMatching(/^\d+ events in /));
      }
  });
});

test("what is to become cmd does nothing for anybody else", () => {
  const child = join(import.meta.dir, "../../dist/child.elf");
  for (const [executable, ...words] of [
    [child],
    [child, "3"],
    [child, "3", "4", "/bin/true"],
    [child, "w"],
    [child, "k", "1"],
    ...[PLAIN, STATIC].flatMap((executable) => [[executable], [executable, "3"], [executable, "k", "1"]]),
  ] as [string, ...string[]][]) {
    const script = 'exec -a ipcdump-child "$0" "$@"';
    const { exitCode, stdout, stderr } = Bun.spawnSync(["bash", "-c", script, executable, ...words]);
    expect([words, exitCode, stdout.toString(), stderr.toString()]).toEqual([
      words,
      2,
      "",
      "ipcdump-child: only ipcdump itself starts this\n",
    ]);
  }
});

test("a machine where files in memory can't be executed has -- cmd and doctor all the same", () => {
  for (const executable of [PLAIN, STATIC])
    for (const restriction of [1, 2]) {
      const set = `mount -t proc proc /proc && echo ${restriction} >/proc/sys/vm/memfd_noexec`;
      const script = `${set} && exec "$0" -q -t signal -f json -- sh -c 'kill -WINCH $$; exit 5'`;
      const { exitCode, stdout, stderr } = Bun.spawnSync(["unshare", "-mpf", "sh", "-c", script, executable]);
      expect([exitCode, stderr.toString()]).toEqual([5, ""]);
      expect(JSON.parse(stdout.toString()).meta.name).toBe("SIGWINCH");
    }
});

test("pipes that were closed with bytes in them make room for others", async () => {
  const output = join(folder, "events");
  using ipcdump = await Ipcdump.tracing(["-t", "pipe", "-f", "json", "--backend", BACKEND, "-o", output]);
  const left = Bun.spawn([await programPath("left"), "9000"], { stdin: "pipe", stdout: "pipe" });
  const said = lines(left.stdout)[Symbol.asyncIterator]();
  expect((await said.next()).value).toBe("full");
  left.stdin.write("\n");
  left.stdin.end();
  expect((await said.next()).value).toBe("closed");
  const events = () =>
    readFileSync(output, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  const seen = async () => {
    const truth = await run("pipe", "one");
    const { inode } = [...truth.pipes.values()][0]!;
    const marker = Bun.spawnSync([await programPath("marker"), "pipe"]);
    expect(marker.exitCode).toBe(0);
    return events().find(({ meta }) => meta?.pipe_inode === inode);
  };
  // from when they are looked after on, all are seen and none is lost
  const until = performance.now() + PATIENCE;
  while ((await seen()) === undefined) expect(performance.now()).toBeLessThan(until);
  const lost = () => events().filter((event) => "lost_type" in event).length;
  const before = lost();
  for (let i = 0; i < 50; i++) await run("pipe", "one");
  ipcdump.kill("SIGTERM");
  expect(await ipcdump.ended()).toBe(0);
  expect(lost()).toBe(before);
  const last = events().filter(({ src_comm, dst_comm }) => src_comm === "writer" && dst_comm === "reader");
  expect(last.length).toBeGreaterThanOrEqual(50);
});

test("a process that moves to another network namespace takes no other's sockets with it", async () => {
  const script = 'echo here; read x; exec unshare -n sh -c "echo moved; read x"';
  const mover = Bun.spawn(["unshare", "-n", "sh", "-c", script], { stdin: "pipe", stdout: "pipe" });
  const said = lines(mover.stdout)[Symbol.asyncIterator]();
  expect((await said.next()).value).toBe("here");
  const net = Number(/\d+/.exec(readlinkSync(`/proc/${mover.pid}/ns/net`))![0]);
  const path = join(folder, "listener");
  const listen = `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); console.log("listening")`;
  const listener = Bun.spawn(["nsenter", "-t", `${mover.pid}`, "-n", process.execPath, "-e", listen], {
    stdout: "pipe",
  });
  try {
    expect((await lines(listener.stdout)[Symbol.asyncIterator]().next()).value).toBe("listening");
    const sockets = new Sockets();
    expect(sockets.tcp(net, "", 1, "", 1)).toBe(null);
    mover.stdin.write("\n");
    mover.stdin.flush();
    expect((await said.next()).value).toBe("moved");
    expect(sockets.unixListener(net, path)).toEqual({ inode: expect.any(Number), guess: true });
  } finally {
    listener.kill("SIGKILL");
    mover.kill("SIGKILL");
  }
});
