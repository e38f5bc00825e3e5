/** `ipcdump why` on hangs as programs of every day have them, asked for after they hang. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { ask, askUntil, Hang } from "../harness/hang.ts";

setDefaultTimeout(1.5 * PATIENCE);

const folder = mkdtempSync(join(tmpdir(), "ipcdump-hangs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What all of them begin with: they end when the test does, whatever they hang on. */
const python = `
import os, select, signal, socket, subprocess, sys
def call(name, pid=0):
    os.write(1, f"{name} {pid or os.getpid()}\\n".encode())
def named(name):
    open("/proc/self/comm", "w").write(name)
scene = os.fork()
if scene > 0:
    os.read(0, 1)
    os.kill(scene, signal.SIGKILL)
    os.killpg(scene, signal.SIGKILL)
    os._exit(0)
os.setpgid(0, 0)
null = os.open("/dev/null", os.O_RDONLY); os.dup2(null, 0); os.close(null)
`;

/** The child writes more than a pipe takes, and is waited for before anything is read. */
const waitsFirst = `${python}
named("ann")
bob = subprocess.Popen(["dd", "if=/dev/zero", "bs=300000", "count=1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
call("ann"); call("bob", bob.pid)
bob.wait()
`;

/** Node does not read what its child says, and waits for its end. */
const neverReads = `
const child = require("child_process").spawn("dd", ["if=/dev/zero", "bs=3000000", "count=1"], { stdio: ["ignore", "pipe", "ignore"] });
child.on("close", () => {});
console.log("ann " + process.pid);
console.log("bob " + child.pid);
`;

/** A server of two workers, both of which ask another one that never answers; a third client waits in a proxy. */
const exhausted = `${python}
def server(path):
    one = socket.socket(socket.AF_UNIX); one.bind(path); one.listen(16); return one
def client(path):
    one = socket.socket(socket.AF_UNIX); one.connect(path); return one
folder = sys.argv[1]
def process(name, life):
    pid = os.fork()
    if pid == 0:
        named(name); life(); os._exit(0)
    return pid
database, pool, front = [server(f"{folder}/{name}") for name in ("db", "pool", "front")]
ready, told = os.pipe()
def bob():
    pool.close(); front.close()
    kept = [database.accept() for _ in range(2)]
    os.write(told, b"x")
    signal.pause()
def worker():
    database.close(); front.close()
    one, _ = pool.accept()
    client(f"{folder}/db").recv(1)
def proxy():
    database.close(); pool.close()
    poll = select.epoll(); kept = []
    for _ in range(3):
        one, _ = front.accept()
        other = client(f"{folder}/pool")
        kept += [one, other]
        for each in (one, other): poll.register(each, select.EPOLLIN)
    front.close()
    poll.poll()
pids = [process("bob", bob), process("worker", worker), process("worker", worker), process("proxy", proxy)]
for one in (database, pool, front): one.close()
call("ann"); call("carol", pids[1]); call("dave", pids[2]); call("eve", pids[3])
clients = [client(f"{folder}/front") for _ in range(3)]
os.read(ready, 1)
named("ann")
call("bob", pids[0])
clients[2].recv(1)
`;

/** What a shell takes the output of has ended, but not what that left behind. */
const leftBehind = `
  exec 4>&1
  echo "ann $$"
  printf ann > /proc/$$/comm
  said=$(sh -c 'printf bob > /proc/$$/comm; echo "bob $$" >&4; kill -STOP $$' & )
`;

/** A job in the background reads the terminal, which stops it. */
const stoppedJob = `${python}
import fcntl, pty, termios
master, slave = pty.openpty()
if os.fork() > 0:
    signal.pause()
os.setsid(); named("ann")
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
job = os.fork()
if job == 0:
    os.setpgid(0, 0); named("bob")
    os.read(slave, 1)
    os._exit(0)
call("ann"); call("bob", job)
os.close(slave)
os.close(master)
os.waitpid(job, 0)
`;

const cases: [what: string, words: string[], lines: string[]][] = [
  [
    "Python waits for a child before it reads",
    ["python3", "-c", waitsFirst],
    [
      "ANN(ann) waits for the end of child BOB",
      "  child: BOB(dd) writes pipe N (descriptor N), full with N bytes",
      "    readers: ANN(ann), as above",
      "deadlock: ANN(ann), BOB(dd) wait for each other",
    ],
  ],
  [
    "a pool is exhausted behind a proxy",
    ["python3", "-c", exhausted, folder],
    [
      "ANN(ann) reads unix-stream N FOLDER/front (descriptor N), empty",
      "  other end: EVE(proxy) polls for any of N descriptors, N of them not accepted yet at FOLDER/pool",
      "      other end: BOB(bob) waits for a signal",
    ],
  ],
  [
    "a job is stopped by its terminal",
    ["python3", "-c", stoppedJob],
    ["ANN(ann) waits for the end of child BOB", "  child: BOB(bob) is stopped"],
  ],
  [
    "a shell reads what somebody left behind has open",
    ["python3", "-c", `${python}os.execvp("sh", ["sh", "-c", sys.argv[1]])`, leftBehind],
    ["ANN(ann) reads pipe N (descriptor N), empty", "  writers: BOB(bob) is stopped"],
  ],
  [
    "Node does not read what its child says",
    ["python3", "-c", `${python}os.execvp("node", ["node", "-e", sys.argv[1]])`, neverReads],
    [
      "BOB(dd) writes unix-stream N (descriptor N), full; the other end has N unread",
      "  other end: ANN(node) polls: reads pipe N (descriptor N), empty",
      "    child: BOB(dd), as above",
      "deadlock: ANN(node), BOB(dd) wait for each other",
    ],
  ],
];

test.each(cases)("%s", async (_, words, lines) => {
  using hang = await Hang.of(words);
  const expected = { missing: [], status: lines.some((line) => line.startsWith("deadlock: ")) ? 1 : 0 };
  let said = "";
  const answer = async () => {
    const { text, status } = await ask("why", `${/^BOB/.test(lines[0]!) ? hang.bob : hang.ann}`);
    said = hang.named(text.replaceAll(folder, "FOLDER"));
    const found = said.trimEnd().split("\n");
    return { missing: lines.filter((line) => !found.includes(line)), status };
  };
  expect([await askUntil(expected, answer, PATIENCE), said]).toEqual([expected, said]);
});

test("what only works hard, or waits for what does, is not said to hang", async () => {
  const node = 'require("child_process").spawn("sh", ["-c", process.argv[1]], { stdio: "inherit" })';
  const work = "while :; do head -c 3000000 /dev/zero | sha256sum; done";
  const busy = Bun.spawn(["node", "-e", node, work], {
    ...{ stdin: "ignore", stdout: "ignore", stderr: "ignore" },
    detached: true,
  });
  try {
    expect((await ask("why", `${busy.pid}`)).status).toBe(0);
    const { text } = await ask("why");
    expect(text).not.toMatch(/\((head|sha256sum)\)/);
    expect(text).not.toContain(`${busy.pid}(`);
  } finally {
    process.kill(-busy.pid, "SIGKILL");
  }
});
