import { expect, test } from "bun:test";
import { parseArguments } from "../../src/command/arguments.ts";
import { UsageError } from "../../src/failure.ts";
import { kinds } from "../../src/kinds/index.ts";

const all = kinds.map(({ name }) => name);

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
];
const ends = ["", "src-", "dst-", "not-"];
const described: readonly [name: string, value: string][] = [
  ["exe", "GLOB"],
  ["args", "TEXT"],
  ["user", "NAME"],
  ["container", "NAME"],
  ["unit", "NAME"],
  ["cgroup", "PATH"],
];
for (const end of ends) {
  for (const [name, value] of described) {
    const flag = `--${end}${name}`;
    const lacks = `${flag} needs a value: ${flag} ${value}`;
    refused.push([[flag], `${lacks}\nTry: ipcdump --help`]);
    refused.push([[`${flag}=`], `${lacks}\nTry: ipcdump --help`]);
    refused.push([[flag, "-x"], `${lacks}, but -x is a flag\nTry: ipcdump --help`]);
  }
  refused.push([[`--${end}user`, "12x"], `--${end}user needs a name or a uid: 12x`]);
  refused.push([[`--${end}user`, "4294967295"], `--${end}user can be 4294967294 at most: 4294967295`]);
  const cgroup = "needs a path from the root of the hierarchy, as in /proc/PID/cgroup";
  refused.push([[`--${end}cgroup`, "user.slice"], `--${end}cgroup ${cgroup}: user.slice`]);
}
refused.push([["--who=1"], "--who takes no value: 1\nTry: ipcdump --help"]);

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
