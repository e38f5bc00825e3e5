import { describe, expect, test } from "bun:test";
import { brief, fuzz, type Piece, pieces, tell, u32 } from "./talk.ts";

const log = { kind: "unix-dgram", path: "/dev/log" } as const;
const journal = { kind: "unix-dgram", path: "/run/systemd/journal/socket" } as const;
const datagrams = (...texts: string[]): Piece[] => pieces(...texts.map((text) => `> ${text}`));

const lines = datagrams(
  "<27>Nov 28 07:42:30 mytag[77]: hello, world",
  "<13>Nov 28 07:42:30 host app: hi\n\0",
  '<165>1 2026-11-28T07:42:30.7+00:00 vm app2 55 ID47 [a@1 b="\\"]"][c@1 d=""] second',
  "<0>free text",
);
const native = datagrams(
  "PRIORITY=4\nMESSAGE=hi: there\nSYSLOG_IDENTIFIER=unit\n",
  `MESSAGE\n${u32(11, 0)}hello\nthere\nCODE_LINE=3\n`,
);

describe("syslog and journal", () => {
  test("RFC 3164 and 5424 on /dev/log", () => {
    expect(brief(tell(lines, log))).toEqual([
      "curl: mytag, severity err, facility daemon, procid 77, text hello\\x2c world, count 43",
      "curl: app, severity notice, facility user, text hi, count 34",
      "curl: app2, severity notice, facility local4, procid 55, text second, count 81",
      "curl: syslog, severity emerg, facility kern, text free text, count 12",
    ]);
    expect(brief(tell(lines.slice(0, 1), { kind: "unix-dgram", path: "/x" }))[0]).toMatch(
      /^curl: path \/x, count 43/,
    );
  });

  test("journald's own", () => {
    expect(brief(tell(native, journal))).toEqual([
      "curl: unit, severity warning, text hi: there, count 52",
      "curl: journal, text hello\\x0athere, count 40",
    ]);
  });

  test("20,000 mutations", () => {
    expect(fuzz(lines, 10_000, log, ["syslog"])).toBeGreaterThan(1000);
    expect(fuzz(native, 10_000, journal, ["journal"])).toBeGreaterThan(1000);
  }, 60_000);
});
