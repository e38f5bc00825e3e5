/** Messages of real programs, as -- cmd, as a recording of the same, and what their own logs say of them. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../harness/condition.ts";
import { BACKEND, EXECUTABLE } from "../harness/ipcdump.ts";

setDefaultTimeout(3 * PATIENCE);

const folder = mkdtempSync(join(tmpdir(), "ipcdump-decode-"));
const file = join(folder, "run.pcapng");
const log = join(folder, "server.log");
const socket = join(folder, "server.sock");

/** Answers by their paths, and writes one line of what it answered. */
const server = `
import http.server, os, socketserver, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args): pass
    def log_request(self, code="-", size="-"):
        with open(sys.argv[2], "a") as log: log.write(f"{self.command} {self.path} {int(code)}\\n")
    def start(self, code, **headers):
        self.send_response(code)
        for name, value in headers.items(): self.send_header(name.replace("_", "-"), value)
        self.end_headers()
    def do_GET(self):
        if self.path == "/chunked":
            self.start(200, Transfer_Encoding="chunked", Content_Type="text/plain")
            for _ in range(20): self.wfile.write(b"2710\\r\\n" + b"x" * 10000 + b"\\r\\n")
            self.wfile.write(b"0\\r\\n\\r\\n")
        elif self.path == "/events":
            self.start(200, Content_Type="text/event-stream", Connection="close")
            for n in range(3): self.wfile.write(f"event: tick\\nid: {n}\\ndata: {n}\\n\\n".encode())
            self.close_connection = True
        else:
            if self.path == "/slow": time.sleep(0.05)
            self.start(404 if self.path == "/missing" else 200, Content_Type="application/json", Content_Length="2")
            self.wfile.write(b"{}")
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.start(204)
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer): pass
Server(sys.argv[1], Handler).serve_forever()
`;
const client = `
  python3 "$FOLDER/server.py" "$FOLDER/server.sock" "$FOLDER/server.log" & server=$!
  until [ -S "$FOLDER/server.sock" ]; do sleep 0.05; done
  ask() { curl --unix-socket "$FOLDER/server.sock" -s -o /dev/null "$@"; }
  ask http://d/one http://d/missing http://d/slow
  ask http://d/chunked
  ask http://d/events
  head -c 100000 /dev/zero | ask -H Expect: --data-binary @- http://d/post
  kill "$server"
`;

/** Asks over one pipe, byte by byte, and is answered over another, as a server of the Model Context Protocol is. */
const stdio = `
import json, os, subprocess, sys
if len(sys.argv) > 1:
    for line in iter(sys.stdin.buffer.readline, b""):
        asked = json.loads(line)
        answer = {"result": {}} if asked["method"] != "nothing" else {"error": {"code": -32601, "message": "no"}}
        if "id" in asked: os.write(1, json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}).encode() + b"\\n")
    os._exit(0)
server = subprocess.Popen([sys.executable, "-u", __file__, "server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
def ask(method, **id):
    for byte in json.dumps({"method": method, **id, "jsonrpc": "2.0"}).encode() + b"\\n":
        os.write(server.stdin.fileno(), bytes([byte]))
    if id: os.read(server.stdout.fileno(), 65536)
ask("initialize", id=0)
ask("initialized")
ask("nothing", id="a")
server.stdin.close()
server.wait()
`;

interface Line {
  src_comm: string;
  dst_comm: string;
  meta: { path?: string; count: number };
  protocol?: string;
  message: { kind: string; name: string; status?: number; id?: string; latency_ns?: number };
}

/** What the kernel skipped during the latest run that traced, and was reported; a recording of it says so, too. */
let missed = 0;

function ipcdump(words: readonly string[]): string {
  const env = { ...process.env, FOLDER: folder };
  // lines of what was lost are for the recording
  const flags = words.includes("-o") ? ["-v"] : ["-v", "-L"];
  const { exitCode, stdout, stderr } = Bun.spawnSync([EXECUTABLE, ...flags, ...words], {
    env,
    stdin: "ignore",
  });
  const said = stderr.toString();
  if (words[0] !== "-r") missed = Number(/^lost: (\d+) probe_missed$/m.exec(said)?.[1] ?? 0);
  expect([exitCode, said]).toEqual([0, expect.stringMatching(new RegExp(`, ${missed} lost$`, "m"))]);
  return stdout.toString();
}

function decoded(...words: string[]): Line[] {
  const lines = ipcdump(["-r", file, "--decode=http", "-f", "json", "--path", socket, ...words]);
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

let live: string[] = [];

beforeAll(() => {
  writeFileSync(join(folder, "server.py"), server);
  writeFileSync(join(folder, "stdio.py"), stdio);
  const sh = ["--", "sh", "-c", client];
  const both = ["-t", "unix-stream", "--backend", BACKEND];
  live = ipcdump([...both, "--decode", "--path", socket, ...sh])
    .trimEnd()
    .split("\n");
  rmSync(socket);
  rmSync(log);
  ipcdump([...both, "-f", "pcapng", "-o", file, ...sh]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every request and its answer are as the server's own log has them", () => {
  const lines = decoded();
  const asked = lines.filter(({ message }) => message.kind === "request");
  expect(new Set(asked.map(({ src_comm }) => src_comm))).toEqual(new Set(["curl"]));
  const answers = lines.filter(({ message }) => message.kind === "response");
  const log = readFileSync(join(folder, "server.log"), "utf8").trimEnd().split("\n");
  expect(log).toHaveLength(6);
  expect(answers.map(({ message: { name, status } }) => `${name} ${status}`).sort()).toEqual(log.sort());
  expect(asked.map(({ message }) => message.name).sort()).toEqual(
    answers.map(({ message }) => message.name).sort(),
  );
  for (const { src_comm, message } of answers) {
    expect(src_comm).toBe("python3");
    expect(message.latency_ns).toBeGreaterThanOrEqual(message.name === "GET /slow" ? 50e6 : 0);
  }
  const chunked = answers.find(({ message }) => message.name === "GET /chunked")!;
  expect(chunked.meta.count).toBeGreaterThan(200_000);
  const ticks = lines.filter(({ message }) => message.kind === "notification");
  expect(ticks.map(({ message: { name, id } }) => `${name} ${id}`)).toEqual(["tick 0", "tick 1", "tick 2"]);
  expect(lines).toHaveLength(asked.length + answers.length + ticks.length);
});

test("while it is traced the lines are the same", () => {
  const shape = (line: string) =>
    line
      .replace(/^\S+ (\S+) \d+(\(\S+\)) > -?\d+\(\S+\)/, "$1 $2")
      .replace(/(latency )[^,]+|, ..._guess true/g, "$1");
  const recorded = ipcdump(["-r", file, "--decode", "--path", socket]).trimEnd().split("\n");
  // the order of connections may differ, and whether somebody has accepted one before the first request is read
  expect(live.map(shape).sort()).toEqual(recorded.map(shape).sort());
  expect(
    live.some((line) => / http \d+\(curl\) > -?\d+\(\S+\): GET \/one, path \S+, count \d+/.test(line)),
  ).toBe(true);
});

test("--slow and --errors show those only", () => {
  const names = (...words: string[]) => decoded(...words).map(({ message }) => message.name);
  expect(names("--slow", "49ms")).toContain("GET /slow");
  expect(decoded("--slow", "49ms").filter(({ message }) => (message.latency_ns ?? 0) < 49e6)).toEqual([]);
  expect(names("--errors")).toEqual(["GET /missing"]);
});

test("a map's edges say how long answers took, whatever of them is shown", () => {
  const drawn = (...words: string[]) => {
    const { exitCode, stdout } = Bun.spawnSync([EXECUTABLE, ...words]);
    expect(exitCode).toBe(0);
    return stdout.toString();
  };
  interface Edge {
    name: string;
    flows: { answers?: number; p50_ns?: number; p95_ns?: number; p99_ns?: number }[];
  }
  const map = drawn("map", "-r", file, "-f", "json");
  const slow = join(folder, "slow.json");
  drawn("-r", file, "--decode", "--slow", "49ms", "--map", slow);
  expect(readFileSync(slow, "utf8")).toBe(map);
  const edges: Edge[] = map
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const flows = edges.filter(({ name }) => name === socket).flatMap((edge) => edge.flows);
  const answered = flows.filter(({ answers }) => answers !== undefined);
  expect(answered.reduce((sum, { answers = 0 }) => sum + answers, 0)).toBe(6);
  // what asks never answers
  expect(flows.length).toBeGreaterThan(answered.length);
  expect(Math.max(...answered.map(({ p99_ns = 0 }) => p99_ns))).toBeGreaterThanOrEqual(50e6);
  for (const { p50_ns = -1, p95_ns = -1, p99_ns = -1 } of answered)
    expect([p95_ns, p50_ns, p99_ns].toSorted((a, b) => a - b)).toEqual([p50_ns, p95_ns, p99_ns]);
});

test("csv has its own columns", () => {
  const [head, first] = ipcdump(["-r", file, "--decode", "-f", "csv", "--path", socket]).split("\n");
  expect(head).toBe(
    "timestamp,type,src_pid,src_comm,dst_pid,dst_comm,count,meta,bytes,protocol,kind,name,id,status,latency_ns,message",
  );
  expect(first).toMatch(
    /,unix-stream,\d+,curl,-?\d+,[^,]+,\d+,".*",,http,request,GET \/one,,,,"\{""kind"":""request""/,
  );
});

test("JSON-RPC over two pipes, byte by byte", () => {
  const flags = ["-t", "pipe", "--backend", BACKEND, "--decode=jsonrpc", "-f", "json"];
  const out = ipcdump([...flags, "--", "python3", join(folder, "stdio.py")])
    .trimEnd()
    .split("\n");
  const lines: Line[] = out.map((line) => JSON.parse(line)).filter((line) => "message" in line);
  const told = lines.map(({ message: { kind, name, id, status } }) =>
    [kind, name, id, status].join(" ").trim(),
  );
  expect(told).toEqual([
    "request initialize 0",
    "response initialize 0 ok",
    "notification initialized",
    "request nothing a",
    "error nothing a -32601",
  ]);
  expect(lines.filter(({ message }) => (message.latency_ns ?? -1) > 0)).toHaveLength(2);
});
