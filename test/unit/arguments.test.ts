import { describe, expect, test } from "bun:test";
import { type Options, parseArguments } from "../../src/command/arguments.ts";
import type { Flag } from "../../src/command/flag.ts";
import { flags, protocolNames } from "../../src/command/flags.ts";
import { help } from "../../src/command/help.ts";
import { kindWords } from "../../src/command/selection.ts";
import { nearest } from "../../src/command/spelling.ts";
import { splitList } from "../../src/command/values.ts";
import type { Kind } from "../../src/event.ts";
import { UsageError } from "../../src/failure.ts";
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
};
const defaults: Options = {
  kinds: all,
  named: [],
  wanted: none,
  bytes: false,
  isReadable: false,
  maxBytes: 0,
  shownBytes: 0,
  match: [],
  join: 0,
  isBrief: false,
  count: 0,
  duration: 0,
  format: "text",
  summary: false,
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

const refused: [words: string[], message: string][] = [
  [["--fromat", "json"], "unknown flag --fromat; did you mean --format?\nTry: ipcdump --help"],
  [["--zzz"], "unknown flag --zzz\nTry: ipcdump --help"],
  [["-X"], "unknown flag -X; did you mean -x?\nTry: ipcdump --help"],
  [["-xZ"], "unknown flag -Z\nTry: ipcdump --help"],
  [["--constructor"], "unknown flag --constructor\nTry: ipcdump --help"],
  [["--\x1b[31m"], "unknown flag --\\x1b[31m\nTry: ipcdump --help"],
  [["-o"], "-o needs a value: -o FILE\nTry: ipcdump --help"],
  [["-o", ""], "-o needs a value: -o FILE\nTry: ipcdump --help"],
  [["--type="], "--type needs a value: --type KIND\nTry: ipcdump --help"],
  [["-o", "-x"], "-o needs a value: -o FILE, but -x is a flag\nTry: ipcdump --help"],
  [["--bytes=3"], "--bytes takes no value: 3\nTry: ipcdump --help"],
  [["-x", "-B", "-5"], "-B needs a whole number, 0 or more: -5"],
  [["-x", "-B", "0x10"], "-B needs a whole number, 0 or more: 0x10"],
  [["-x", "-B", "1.5"], "-B needs a whole number, 0 or more: 1.5"],
  [["-x", "-B", "1e3"], "-B needs a whole number, 0 or more: 1e3"],
  [["-x", "-B", " 1"], "-B needs a whole number, 0 or more:  1"],
  [["-x", "-B", "4294967296"], "-B can be 4294967295 at most: 4294967296"],
  [["-c", "9007199254740992"], "-c can be 9007199254740991 at most: 9007199254740992"],
  [["-c", "many"], "-c needs a whole number, 0 or more: many"],
  [["-B", "64"], "-B limits the contents that -x shows; add -x or leave out -B"],
  [["-qv"], "-q and -v contradict each other; leave one out"],
  [["-f", "jsn"], "-f jsn is unknown; did you mean json?"],
  [["-r", "f", "--follow", "-p", "1"], "-r shows what was traced before; leave out --follow"],
  [["-r", "f", "--", "true"], "-r shows what was traced before; leave out -- CMD"],
  [
    ["-f", "pcapng", "--summary"],
    "--summary is a table, not packets; leave out one of --summary and -f pcapng",
  ],
  [["-f", "yaml"], "-f yaml is unknown; one of text, json, csv, pcapng"],
  [["--backend", "fenty"], "--backend fenty is unknown; did you mean fentry?"],
  [["-t", "sginal"], "-t sginal is unknown; did you mean signal?"],
  [["-t", "pipe,"], "-t needs a value: -t KIND\nTry: ipcdump --help"],
  [["-t", "quux"], `-t quux is unknown; one of ${all.join(", ")}, all`],
  [["--ring", "1"], "--ring must be between 64K and 1G: 1"],
  [["--ring", "2G"], "--ring must be between 64K and 1G: 2G"],
  [["--ring", "16MB"], "--ring needs a size like 512K, 16M or 1G: 16MB"],
  [["--ring", "-1"], "--ring needs a size like 512K, 16M or 1G: -1"],
  [["foo"], "foo is no flag\nTo start a command and trace it: ipcdump -- foo"],
  [["-x", "ls", "-l"], "ls is no flag\nTo start a command and trace it: ipcdump -x -- ls -l"],
  [["--signal"], "--signal needs a value: --signal NAME\nTry: ipcdump --help"],
  [["--signal", "KIL"], "--signal KIL is unknown; did you mean KILL?"],
  [["--signal", "RTMIN+99"], "--signal RTMIN+99 is unknown; did you mean RTMIN+9?"],
  [["--signal", "0"], "--signal needs a signal: 0"],
  [["--signal", "65"], "--signal can be 64 at most: 65"],
  [["--not-signal", "ZZZZZZ"], "--not-signal ZZZZZZ is unknown; a name like KILL or RTMIN+2, or 1 to 64"],
  [["--signal", "KILL", "--not-signal", "9"], "--not-signal leaves no signal; leave out less"],
  [["-t", "pipe", "--signal", "KILL"], "--signal is about signals; add -t signal, or leave it out"],
  [["-t", "pipe", "--kernel-signals"], "--kernel-signals is about signals; add -t signal, or leave it out"],
  [["--kernel-signals=1"], "--kernel-signals takes no value: 1\nTry: ipcdump --help"],
  [["-r", "f", "--kernel-signals"], "-r shows what was traced before; leave out --kernel-signals"],
  [["--no-self=1"], "--no-self takes no value: 1\nTry: ipcdump --help"],
  [["--not-path"], "--not-path needs a value: --not-path GLOB\nTry: ipcdump --help"],
  [["--not-port", "0"], "--not-port needs a port: 0"],
  [["--not-src-pid", "x"], "--not-src-pid needs a process id: x"],
  [["--not-dst-comm"], "--not-dst-comm needs a value: --not-dst-comm NAME\nTry: ipcdump --help"],
  [["-A=1"], "unknown flag -=\nTry: ipcdump --help"],
  [["--text=1"], "--text takes no value: 1\nTry: ipcdump --help"],
  [["--match"], "--match needs a value: --match TEXT\nTry: ipcdump --help"],
  [["--match", "/(/"], "--match /(/: a ( without its )"],
  [["--match", "/a/g"], "--match /a/g: of flags there are i, m and s"],
  [["--match", "/a**/"], "--match /a**/: nothing to repeat"],
  [["--match", "/(?=a)/"], "--match /(?=a)/: only (…) and (?:…) are groups: nothing looks ahead or back"],
  [["--match", "/(a)\\1/"], "--match /(a)\\1/: \\1 means nothing here"],
  [["--match", "/(a{500}){500}/"], "--match /(a{500}){500}/: too long, or repeated too often"],
  [["--join"], "--join needs a value: --join T\nTry: ipcdump --help"],
  [["--join", "soon"], "--join needs a time like 30, 1.5s, 2m or 1h: soon"],
  [["--join", "1", "--decode"], "--join makes fewer lines of events; leave out one of --join and --decode"],
  [["--join", "1", "--summary"], "--join makes fewer lines of events; leave out one of --join and --summary"],
  [["--brief=1"], "--brief takes no value: 1\nTry: ipcdump --help"],
  [["pipe"], "pipe is no flag; did you mean -t pipe?\nTry: ipcdump --help"],
  [["help"], "help is no flag; did you mean --help?\nTo start a command and trace it: ipcdump -- help"],
  [["docter"], "docter is no flag; did you mean doctor?\nTo start a command and trace it: ipcdump -- docter"],
  [["--"], "-- needs a command to start: ipcdump -- CMD ARGS...\nTry: ipcdump --help"],
  [["--", ""], "-- needs a command to start: ipcdump -- CMD ARGS...\nTry: ipcdump --help"],
  ...["-s", "-d", "-p"].map((flag): [string[], string] => [
    [flag],
    `${flag} needs a value: ${flag} PID\nTry: ipcdump --help`,
  ]),
  ...["-S", "-D", "-P", "--not-comm"].map((flag): [string[], string] => [
    [flag, ""],
    `${flag} needs a value: ${flag} NAME\nTry: ipcdump --help`,
  ]),
  [["-p", "sh"], "--pid needs a process id: sh"],
  [["-p", "0"], "--pid needs a process id: 0"],
  [["-s", "-1"], "--src-pid needs a process id: -1"],
  [["-d", "0x10"], "--dst-pid needs a process id: 0x10"],
  [["-p", "1,"], "-p needs a value: -p PID\nTry: ipcdump --help"],
  [["--not-pid", "4194305"], "--not-pid can be 4194304 at most: 4194305"],
  [["--follow"], "--follow needs the processes to follow; add -p PID, -s PID or -d PID"],
  [["--not-type", "pip"], "--not-type pip is unknown; did you mean pipe?"],
  [["--not-type", "all"], "--not-type leaves no kind to trace; leave out less"],
  [["-t", "pipe", "--not-type", "p"], "--not-type leaves no kind to trace; leave out less"],
  [["--path"], "--path needs a value: --path GLOB\nTry: ipcdump --help"],
  [["--port", "http"], "--port needs a port: http"],
  [["--port", "0"], "--port needs a port: 0"],
  [["--port", "65536"], "--port can be 65535 at most: 65536"],
  [["--duration"], "--duration needs a value: --duration T\nTry: ipcdump --help"],
  [["--duration", "0"], "--duration needs a time like 30, 1.5s, 2m or 1h: 0"],
  [["--duration", "-1"], "--duration needs a time like 30, 1.5s, 2m or 1h: -1"],
  [["--slow", "5ms"], "--slow is about messages; add --decode"],
  [["--errors"], "--errors is about messages; add --decode"],
  [["--decode=htp"], "--decode htp is unknown; did you mean http?"],
  [["--decode", "--slow", "soon"], "--slow needs a time like 30, 1.5s, 2m or 1h: soon"],
  [
    ["--decode", "-f", "pcapng"],
    "-f pcapng keeps events, not messages; leave out one of --decode and -f pcapng\nTo decode what was kept: ipcdump -r FILE --decode",
  ],
  [["--duration", "5x"], "--duration needs a time like 30, 1.5s, 2m or 1h: 5x"],
  [["--duration", "1e99h"], "--duration needs a time like 30, 1.5s, 2m or 1h: 1e99h"],
  [["--duration", "9999h"], "--duration can be 8760h at most: 9999h"],
  [["--color", "alway"], "--color alway is unknown; did you mean always?"],
  [["--color"], "--color needs a value: --color WHEN\nTry: ipcdump --help"],
  [["--summary=yes"], "--summary takes no value: yes\nTry: ipcdump --help"],
  [["--self=1"], "--self takes no value: 1\nTry: ipcdump --help"],
  [["doctor", "--jsn"], "doctor takes nothing but --json: --jsn"],
  [["completions"], "completions needs a shell: bash, zsh, fish"],
  [["completions", "csh"], "completions for csh is unknown; did you mean zsh?"],
  [["completions", "bash", "zsh"], "completions takes one shell: zsh"],
];
test.each(refused)("refused: %j", (words, message) => {
  let error: unknown;
  try {
    parseArguments(words);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(UsageError);
  expect((error as UsageError).message).toBe(message);
  expect((error as UsageError).status).toBe(2);
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

test("commands", () => {
  expect(parseArguments(["doctor"])).toEqual({ action: "doctor", json: false });
  expect(parseArguments(["doctor", "--json"])).toEqual({ action: "doctor", json: true });
  expect(parseArguments(["completions", "fish"])).toEqual({ action: "completions", shell: "fish" });
  for (const word of ["doctor", "completions"]) {
    expect(parseArguments([word, "--help"])).toEqual({ action: "help", isAll: false });
  }
});

test("help and version win over everything else", () => {
  expect(parseArguments(["--zzz", "-B", "x", "-h"])).toEqual({ action: "help", isAll: false });
  expect(parseArguments(["-xh"])).toEqual({ action: "help", isAll: false });
  for (const words of [["--help", "all"], ["-h", "all"], ["--help=all"], ["-x", "-h", "all", "-v"]])
    expect(parseArguments(words)).toEqual({ action: "help", isAll: true });
  expect(parseArguments(["--version"])).toEqual({ action: "version", verbose: false });
  expect(parseArguments(["--version", "-v"])).toEqual({ action: "version", verbose: true });
});

describe("help", () => {
  const text = help(kindWords);
  const all = help(kindWords, true);
  test("fits a terminal", () => {
    for (const page of [text, all])
      expect(page.split("\n").filter((line) => line.length > 80 || line !== line.trimEnd())).toEqual([]);
    expect(text.split("\n").length).toBeLessThanOrEqual(45);
  });
  test("all of it names every flag with its default; the page leaves out what is rare; and every kind", () => {
    for (const [name, flag] of Object.entries<Flag>(flags)) {
      expect(all).toMatch(new RegExp(`--${name}\\b(?!-)`));
      expect([name, new RegExp(`--${name}\\b(?!-)`).test(text)]).toEqual([name, flag.rare !== true]);
      if (flag.default !== undefined && flag.default !== "0")
        expect(all.replace(/\s+/g, " ")).toContain(`(default ${flag.default})`);
    }
    for (const words of kindWords) expect(text).toContain(words.join("|"));
  });
  test("ends with one-liners that work as written", () => {
    const examples = [...text.matchAll(/^ {2}ipcdump(.*?) +#/gm)].map(([, words]) =>
      words!.split(" ").filter(Boolean),
    );
    expect(examples.length).toBe(5);
    for (const words of examples) expect(parseArguments(words).action).toBe("trace");
  });
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
