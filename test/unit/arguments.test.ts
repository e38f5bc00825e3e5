import { expect, test } from "bun:test";
import { type Options, parseArguments } from "../../src/command/arguments.ts";
import type { Flag } from "../../src/command/flag.ts";
import { flags, protocolNames } from "../../src/command/flags.ts";
import { splitList } from "../../src/command/flagvalues.ts";
import { kindWords } from "../../src/command/selection.ts";
import { nearest } from "../../src/command/spelling.ts";
import type { Kind } from "../../src/event.ts";
import { anybody } from "../../src/filter/described.ts";
import { paths, processes, type Wanted } from "../../src/filter/wanted.ts";
import { kinds } from "../../src/kinds/index.ts";
import { Pattern } from "../../src/match/pattern.ts";

const all: Kind[] = kinds.map(({ name }) => name);
const nobody = processes([], []);
const none: Wanted = {
  source: nobody,
  destination: nobody,
  either: nobody,
  excluded: nobody,
  notSource: nobody,
  notDestination: nobody,
  follow: false,
  paths: [],
  notPaths: [],
  ports: [],
  notPorts: [],
  signals: [],
  noSelf: false,
  match: [],
  describedSource: anybody,
  describedDestination: anybody,
  describedEither: anybody,
  describedExcluded: anybody,
};
const defaults: Options = {
  kinds: all,
  named: [],
  wanted: none,
  bytes: false,
  isReadable: false,
  who: false,
  maxBytes: 0,
  shownBytes: 0,
  match: [],
  join: 0,
  isBrief: false,
  count: 0,
  duration: 0,
  format: "text",
  summary: false,
  map: null,
  decode: null,
  top: null,
  color: "auto",
  recording: null,
  output: null,
  lost: true,
  verbosity: 0,
  quiet: false,
  backend: "auto",
  wait: 0.05,
  sure: false,
  ring: 16 * 1024 * 1024,
  self: false,
  kernelSignals: false,
  allNamespaces: false,
  command: null,
};
const pipe: Partial<Options> = { kinds: ["pipe"], named: ["pipe"] };
const signals: Partial<Options> = { kinds: ["signal"], named: ["signal"] };
const everySignal = Array.from({ length: 64 }, (_, i) => i + 1);
const both: Partial<Options> = { kinds: ["pipe", "signal"], named: ["pipe", "signal"] };

const accepted: [line: string, changes: Partial<Options>][] = [
  ["", {}],
  ["-f pcapng", { format: "pcapng", bytes: true }],
  ["-f pcapng -B 64", { format: "pcapng", bytes: true, maxBytes: 64 }],
  ["-r run.pcapng -x", { recording: "run.pcapng", bytes: true }],
  ["-r - --summary", { recording: "-", summary: true }],
  ["-t pipe", pipe],
  ["-t=pipe", pipe],
  ["-tpipe", pipe],
  ["--type=p", pipe],
  ["--type p", pipe],
  ["-t kill", { kinds: ["signal"], named: ["signal"] }],
  ["-t k", { kinds: ["signal"], named: ["signal"] }],
  ["-t signal,pipe", both],
  ["-t signal -t p -t pipe", both],
  ["-t all", {}],
  ["-t a,pipe", { named: ["pipe"] }],
  ["-x", { bytes: true }],
  ["-xL", { bytes: true, lost: false }],
  ["-xB 64", { bytes: true, maxBytes: 64 }],
  ["-x -B64", { bytes: true, maxBytes: 64 }],
  ["-B=64 -x", { bytes: true, maxBytes: 64 }],
  ["--bytes --max-bytes 0", { bytes: true }],
  ["-x -B 4294967295", { bytes: true, maxBytes: 4294967295 }],
  ["-c 3", { count: 3 }],
  ["-c 3 -c 5", { count: 5 }],
  ["--count=9007199254740991", { count: 9007199254740991 }],
  ["-f json", { format: "json" }],
  ["--format=text", {}],
  ["-o out.json", { output: "out.json" }],
  ["-o -", {}],
  ["-o=-weird", { output: "-weird" }],
  ["--output=--weird", { output: "--weird" }],
  ["--no-lost", { lost: false }],
  ["-v", { verbosity: 1 }],
  ["-vv", { verbosity: 2 }],
  ["-v -v --verbose", { verbosity: 2 }],
  ["-q", { quiet: true }],
  ["--backend kprobe", { backend: "kprobe" }],
  ["--wait 0", { wait: 0 }],
  ["--wait 20ms", { wait: 0.02 }],
  ["--wait 10s", { wait: 10 }],
  ["--sure", { sure: true }],
  ["--ring 64K", { ring: 65536 }],
  ["--ring 65537", { ring: 131072 }],
  ["--ring 3m", { ring: 4 * 1024 * 1024 }],
  ["--ring=1G", { ring: 1024 ** 3 }],
  ["-s 12", { wanted: { ...none, source: processes([12], []) } }],
  ["--src-pid=12 -s 13,14", { wanted: { ...none, source: processes([12, 13, 14], []) } }],
  ["-d 4194304 -D cat", { wanted: { ...none, destination: processes([4194304], ["cat"]) } }],
  ["--dst-pid 1 --dst-comm a,b", { wanted: { ...none, destination: processes([1], ["a", "b"]) } }],
  ["-p 1337", { wanted: { ...none, either: processes([1337], []) } }],
  ["-p1 -P sh", { wanted: { ...none, either: processes([1], ["sh"]) } }],
  ["--pid 1 --comm a\\,b", { wanted: { ...none, either: processes([1], ["a,b"]) } }],
  ["-S averylongprocessname", { wanted: { ...none, source: processes([], ["averylongproces"]) } }],
  ["--src-comm Xorg", { wanted: { ...none, source: processes([], ["Xorg"]) } }],
  ["-p 1 --follow", { wanted: { ...none, either: processes([1], []), follow: true } }],
  ["--not-pid 1,2 --not-comm sh", { wanted: { ...none, excluded: processes([1, 2], ["sh"]) } }],
  [
    "-S ssh*,b -D [ab]",
    { wanted: { ...none, source: processes([], ["ssh*", "b"]), destination: processes([], ["[ab]"]) } },
  ],
  [
    "--not-src-pid 1 --not-dst-comm sh",
    { wanted: { ...none, notSource: processes([1], []), notDestination: processes([], ["sh"]) } },
  ],
  [
    "--not-dst-pid 3 --not-src-comm s*",
    { wanted: { ...none, notSource: processes([], ["s*"]), notDestination: processes([3], []) } },
  ],
  ["--no-self", { wanted: { ...none, noSelf: true } }],
  [
    "--signal KILL,sigterm,1,RTMIN+2,RTMAX-1",
    { ...signals, named: [], wanted: { ...none, signals: [1, 9, 15, 36, 63] } },
  ],
  ["-t k,pipe --signal RTMIN+17", { ...signals, wanted: { ...none, signals: [51] } }],
  ["--signal CHLD,URG --not-signal URG", { ...signals, named: [], wanted: { ...none, signals: [17] } }],
  [
    "-t k --not-signal 2",
    { ...signals, wanted: { ...none, signals: everySignal.filter((number) => number !== 2) } },
  ],
  ["-t k --kernel-signals", { ...signals, kernelSignals: true }],
  [
    "--not-path /run/*,a --not-port 80",
    { wanted: { ...none, notPaths: paths(["/run/*", "a"]), notPorts: [80] } },
  ],
  ["-A", { bytes: true, isReadable: true }],
  ["--text -B 9", { bytes: true, isReadable: true, maxBytes: 9 }],
  ["--match GET -B 9", { bytes: true, shownBytes: 9, wanted: { ...none, match: [new Pattern("GET")] } }],
  [
    "--match a,b --match /x+/i",
    { bytes: true, wanted: { ...none, match: ["a,b", "/x+/i"].map((word) => new Pattern(word)) } },
  ],
  ["--summary --match GET", { summary: true, bytes: true, wanted: { ...none, match: [new Pattern("GET")] } }],
  ["--join 5ms -x -B 9", { bytes: true, shownBytes: 9, join: 0.005 }],
  ["--join 1 --match a", { bytes: true, join: 1, match: [new Pattern("a")] }],
  ["--brief", { isBrief: true }],
  ["--not-type pipe", { kinds: all.filter((kind) => kind !== "pipe") }],
  ["-t pipe,signal --not-type k", pipe],
  ["--path /run/*,a --path b", { wanted: { ...none, paths: paths(["/run/*", "a", "b"]) } }],
  ["--port 80,443", { wanted: { ...none, ports: [80, 443] } }],
  ["--duration 30", { duration: 30 }],
  ["--duration=1.5s", { duration: 1.5 }],
  ["--duration 2m", { duration: 120 }],
  ["--duration 1h", { duration: 3600 }],
  ["-f csv", { format: "csv" }],
  ["--summary", { summary: true }],
  ["--summary -x -B 4", { summary: true, maxBytes: 4 }],
  ["--color always", { color: "always" }],
  ["--color=never", { color: "never" }],
  ["--self --all-ns", { self: true, allNamespaces: true }],
  ["-- ls -l --help", { command: ["ls", "-l", "--help"] }],
  ["-x -- sh -c -- true", { bytes: true, command: ["sh", "-c", "--", "true"] }],
];
test.each(accepted)("accepted: ipcdump %s", (line, changes) => {
  expect(parseArguments(line.split(" ").filter(Boolean))).toEqual({
    action: "trace",
    options: { ...defaults, ...changes },
  });
});

const words: [words: string, kinds: Kind[]][] = [
  ["a all", all],
  ["k signal kill", ["signal"]],
  ["u unix", ["unix-stream", "unix-dgram", "unix-seqpacket"]],
  ["ud unix-dgram", ["unix-dgram"]],
  ["us unix-stream", ["unix-stream"]],
  ["uq unix-seqpacket", ["unix-seqpacket"]],
  ["t pty", ["pty"]],
  ["lo loopback", ["loopback-tcp", "loopback-udp"]],
  ["lt loopback-tcp", ["loopback-tcp"]],
  ["lu loopback-udp", ["loopback-udp"]],
  ["p pipe", ["pipe"]],
];
test.each(words)("-t %s", (line, kinds) => {
  for (const word of line.split(" ")) {
    expect(parseArguments(["-t", word])).toMatchObject({ action: "trace", options: { kinds } });
  }
  expect(kindWords.flat()).toEqual(expect.arrayContaining(line.split(" ")));
});

test("--decode captures everything; -x and -B are about what is shown", () => {
  const of = (...words: string[]) => {
    const invocation = parseArguments(words);
    if (invocation.action !== "trace") throw new Error(invocation.action);
    const { bytes, maxBytes, decode } = invocation.options;
    return { bytes, maxBytes, decode };
  };
  const all = protocolNames;
  const decode = { protocols: all, slow: 0, errors: false, isShown: false, maxBytes: 0 };
  expect(of("--decode")).toEqual({ bytes: true, maxBytes: 0, decode });
  expect(of("--decode", "--slow", "5ms", "--errors", "-xB64", "--summary")).toEqual({
    bytes: true,
    maxBytes: 0,
    decode: { ...decode, slow: 5e6, errors: true, isShown: true, maxBytes: 64 },
  });
  expect(of("--decode=http").decode?.protocols).toEqual(["http"]);
});

test("help and version win over everything else", () => {
  expect(parseArguments(["--zzz", "-B", "x", "-h"])).toEqual({ action: "help", isAll: false });
  expect(parseArguments(["-xh"])).toEqual({ action: "help", isAll: false });
  for (const words of [["--help", "all"], ["-h", "all"], ["--help=all"], ["-x", "-h", "all", "-v"]])
    expect(parseArguments(words)).toEqual({ action: "help", isAll: true });
  expect(parseArguments(["--version"])).toEqual({ action: "version", verbose: false });
  expect(parseArguments(["--version", "-v"])).toEqual({ action: "version", verbose: true });
});

const short = Object.entries<Flag>(flags).filter(([, flag]) => flag.short !== undefined);
test.each(short)(
  "--%s and its short form are one",
  (name, { short, value, values, default: usual, optional }) => {
    const kind = values === "kind" ? "pipe" : Array.isArray(values) ? values[0] : undefined;
    const words = value === undefined ? [] : [kind ?? (usual === undefined || usual === "-" ? "7" : usual)];
    const parse = (...given: string[]) => parseArguments(["-x", ...given]);
    expect(parse(`-${short}`, ...words)).toEqual(parse(`--${name}`, ...words));
    if (value === undefined || optional) return;
    expect(parse(`-${short}${words[0]}`)).toEqual(parse(`--${name}=${words[0]}`));
  },
);

test("lists", () => {
  expect(splitList("a,b")).toEqual(["a", "b"]);
  expect(splitList("a\\,b,c")).toEqual(["a,b", "c"]);
  expect(splitList("")).toEqual([""]);
});

test("near misses", () => {
  const words = ["format", "output", "verbose", "count"];
  expect(nearest("fromat", words)).toBe("format");
  expect(nearest("Output", words)).toBe("output");
  expect(nearest("verb", words)).toBe("verbose");
  expect(nearest("xyz", words)).toBe(null);
});
