/** Every flag that takes a value: values it takes, values it refuses with the culprit and a remedy, and none at all. */
import { describe, expect, test } from "bun:test";
import { parseArguments } from "../../src/command/arguments.ts";
import type { Flag } from "../../src/command/flag.ts";
import { type FlagName, flags } from "../../src/command/flags.ts";
import { UsageError } from "../../src/failure.ts";

/** Names of flags by whether they take a value. */
type Valued = { [Name in FlagName]: (typeof flags)[Name] extends { value: string } ? Name : never }[FlagName];
type Switch = Exclude<FlagName, Valued>;

interface Values {
  good: readonly string[];
  /** what is refused, and what is said beside it; none: every text is a value */
  bad: readonly (readonly [value: string, said: string])[];
  /** flags without which this one says nothing */
  beside?: readonly string[];
}

const pids: Values = {
  good: ["1", "4194304", "12,13"],
  bad: [
    ["0", "needs a process id"],
    ["-1", "needs a process id"],
    ["4194305", "4194304 at most"],
    ["99999999999", "4194304 at most"],
    ["1e3", "needs a process id"],
    ["12,x", "needs a process id"],
    ["self", "needs a process id"],
  ],
};
const ports: Values = {
  good: ["1", "65535", "80,443"],
  bad: [
    ["0", "needs a port"],
    ["65536", "65535 at most"],
    ["http", "needs a port"],
    ["80,-1", "needs a port"],
  ],
};
const signals: Values = {
  good: ["KILL", "sigterm", "9", "RTMIN+2", "RTMAX-1", "1,2"],
  bad: [
    ["KILLL", "did you mean KILL?"],
    ["0", "needs a signal"],
    ["65", "64 at most"],
    ["RTMIN+40", "did you mean RTMIN+4?"],
    ["TERM,nonsense", "a name like KILL"],
  ],
};
const kinds: Values = {
  good: ["pipe", "k", "u,lo", "pty"],
  bad: [
    ["pip", "did you mean pipe?"],
    ["nonsense", "one of pipe, signal"],
    ["pipe,nonsense", "one of pipe, signal"],
  ],
};
const any: Values = { good: ["a", "a*", "[a", "a\\,b,c", "ü"], bad: [] };
const users: Values = {
  good: ["root", "0", "4294967294", "root,1000"],
  bad: [
    ["4294967295", "4294967294 at most"],
    ["1x", "needs a name or a uid"],
  ],
};
const cgroups: Values = {
  good: ["/", "/system.slice", "/a,/b", "*.service"],
  bad: [
    ["system.slice", "a path from the root"],
    ["/a,b", "a path from the root"],
  ],
};
const times: Values = {
  good: ["1", "1.5s", "20ms", "250us", "2m", "8760h"],
  bad: [
    ["0", "needs a time like"],
    ["5 minutes", "needs a time like"],
    ["-1", "needs a time like"],
    ["1d", "needs a time like"],
    ["8761h", "8760h at most"],
  ],
};
const files: Values = { good: ["-", "a b", "./-x"], bad: [] };

const values: Record<Valued, Values> = {
  type: kinds,
  "not-type": { ...kinds, bad: [...kinds.bad, ["all", "leaves no kind"]] },
  match: {
    good: ["GET", "/x+/i", "/x", "a,b"],
    bad: [
      ["/(/", "a ( without its )"],
      ["/[/", "a [ without its ]"],
      ["/a/q", "of flags there are"],
    ],
  },
  decode: { good: ["http", "http,dbus"], bad: [["htp", "did you mean http?"]] },
  slow: { ...times, beside: ["--decode"] },
  path: any,
  "not-path": any,
  port: ports,
  "not-port": ports,
  signal: signals,
  "not-signal": signals,
  "src-pid": pids,
  "dst-pid": pids,
  pid: pids,
  "not-pid": pids,
  "not-src-pid": pids,
  "not-dst-pid": pids,
  "src-comm": any,
  "dst-comm": any,
  comm: any,
  "not-comm": any,
  "not-src-comm": any,
  "not-dst-comm": any,
  exe: any,
  "src-exe": any,
  "dst-exe": any,
  "not-exe": any,
  args: any,
  "src-args": any,
  "dst-args": any,
  "not-args": any,
  user: users,
  "src-user": users,
  "dst-user": users,
  "not-user": users,
  container: any,
  "src-container": any,
  "dst-container": any,
  "not-container": any,
  unit: any,
  "src-unit": any,
  "dst-unit": any,
  "not-unit": any,
  cgroup: cgroups,
  "src-cgroup": cgroups,
  "dst-cgroup": cgroups,
  "not-cgroup": cgroups,
  "max-bytes": {
    good: ["0", "64", "4294967295"],
    bad: [
      ["1e3", "a whole number"],
      ["-1", "a whole number"],
      ["4294967296", "4294967295 at most"],
    ],
    beside: ["-x"],
  },
  count: {
    good: ["0", "9007199254740991"],
    bad: [
      ["0x10", "a whole number"],
      ["1.5", "a whole number"],
      ["9007199254740992", "9007199254740991 at most"],
    ],
  },
  duration: times,
  join: times,
  wait: {
    good: ["0", "50ms", "2.5s", "10"],
    bad: [
      ["11", "10s at most"],
      ["-1", "needs a time like"],
      ["1m", "needs a time like"],
    ],
  },
  ring: {
    good: ["64K", "65537", "1g"],
    bad: [
      ["12Q", "a size like"],
      ["63K", "between 64K and 1G"],
      ["2G", "between 64K and 1G"],
      ["-1", "a size like"],
    ],
  },
  format: { good: ["text", "json", "csv", "pcapng"], bad: [["jsn", "did you mean json?"]] },
  map: { good: ["a.html", "b.txt"], bad: [["a.png", "Its end is one of"]] },
  read: files,
  output: files,
  color: { good: ["auto", "always", "never"], bad: [["sometimes", "one of auto, always, never"]] },
  backend: { good: ["auto", "fentry"], bad: [["magic", "one of auto, fentry"]] },
  help: { good: ["all"], bad: [] },
};

/** The error for these words, null when they are taken. */
function refusal(...words: string[]): string | null {
  try {
    parseArguments(words);
    return null;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message;
  }
}

describe.each(Object.entries<Values>(values))("--%s", (name, { good, bad, beside = [] }) => {
  const flag: Flag = flags[name as FlagName];
  /** as it is typed, with its value in the same word and in the next */
  const typed = (value: string): string[][] => [
    [`--${name}=${value}`],
    ...(flag.optional ? [] : [[`--${name}`, value]]),
    ...(flag.short === undefined || flag.optional ? [] : [[`-${flag.short}${value}`]]),
  ];

  test.each(good)("takes %j", (value) => {
    // a dash begins a flag unless it is all there is
    const next = value.startsWith("-") && value !== "-" ? 1 : undefined;
    for (const words of typed(value).slice(0, next)) expect(refusal(...beside, ...words)).toBe(null);
  });

  test.each(bad)("refuses %j", (value, said) => {
    const culprit = value.split(",").at(-1)!;
    for (const words of typed(value)) {
      const message = refusal(...beside, ...words) ?? "";
      expect([message.includes(said), message, message.split("\n").length <= 2]).toEqual([
        true,
        message,
        true,
      ]);
      expect(value === "all" || message.includes(culprit)).toBe(true);
    }
  });

  test("without its value", () => {
    const needs = `needs a value: --${name} ${flag.value}`;
    if (flag.optional) {
      expect(refusal(...beside, `--${name}`)).toBe(null);
      return;
    }
    for (const words of [[`--${name}`], [`--${name}=`], [`--${name}`, "-x"], [`--${name}`, "--who"]])
      expect(refusal(...beside, ...words)).toStartWith(`--${name} `);
    expect(refusal(...beside, `--${name}`)).toContain(needs);
    if (flag.list) expect(refusal(...beside, `--${name}`, "1,")).toContain(needs);
    if (flag.short !== undefined)
      expect(refusal(...beside, `-${flag.short}`)).toContain(`-${flag.short} needs a value`);
  });
});

const switches = Object.entries<Flag>(flags)
  .filter(([, { value }]) => value === undefined)
  .map(([name]) => name as Switch);
/** what some need beside them, as none says anything alone */
const company: Partial<Record<Switch, readonly string[]>> = { errors: ["--decode"], follow: ["-p", "1"] };

test.each(switches)("--%s takes no value", (name) => {
  const beside = company[name] ?? [];
  expect(refusal(...beside, `--${name}`)).toBe(null);
  expect(refusal(...beside, `--${name}=x`)).toStartWith(`--${name} takes no value: x`);
  if (beside.length > 0) expect(refusal(`--${name}`)).toStartWith(`--${name} `);
});
