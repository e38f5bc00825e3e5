/** Syslog as programs send it to /dev/log: RFC 3164, also as libraries write it without a host, and RFC 5424. */
import { latin1 } from "../../bytes/latin1.ts";
import type { Said } from "../message.ts";
import type { Head, Protocol } from "../protocol.ts";
import { field, text, word } from "./words.ts";

const severities = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
const facilities = [
  ...["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"],
  ...["ntp", "audit", "alert", "clock"],
  ...Array.from({ length: 8 }, (_, n) => `local${n}`),
];
const priority = /^<(\d{1,3})>/;
const bsd = /^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\d{4}-\d\d-\d\dT\S+ )/;
const ietf = /^1 (?:-|\d{4}-\d\d-\d\dT\S{1,40}) \S{1,255} (\S{1,48}) (\S{1,128}) (\S{1,32}) (-|\[)/;
const tag = /^(?:([^\s:[\]]{1,255}) )?([^\s:[\]]{1,64})(?:\[([^\]\s]{1,64})\])?: ?/;
const port = 514;
const mostSeen = 1024;

function datagram({ bytes, path, port: to }: Head): Said | null {
  const isKnown = /\/(?:log|dev-log|syslog)$/.test(path) || to === port;
  const head = latin1(bytes.subarray(0, mostSeen));
  const number = Number(priority.exec(head)?.[1] ?? "-1");
  if (!isKnown || number < 0 || number > 191) return null;
  const start = head.indexOf(">") + 1;
  const rest = head.slice(start);
  const modern = ietf.exec(rest);
  const old = modern === null ? bsd.exec(rest) : null;
  const from = start + (old?.[0].length ?? 0);
  const words = modern === null ? tag.exec(head.slice(from)) : null;
  const [, app, process] = modern ?? ["", words?.[2], words?.[3]];
  const at = modern === null ? from + (words?.[0].length ?? 0) : start + endOfData(rest, modern);
  let end = bytes.length;
  while (end > at && (bytes[end - 1] === 0 || bytes[end - 1] === 0x0a)) end--;
  return {
    kind: "notification",
    name: text(app === undefined || app === "-" ? "syslog" : app),
    fields: [
      field("severity", severities[number & 7] ?? ""),
      field("facility", facilities[number >> 3] ?? ""),
      ...(process === undefined || process === "-" ? [] : [field("procid", process)]),
      field("text", word(bytes, Math.min(at, end), end)),
    ],
  };
}

/** Where the text begins, behind the structured data. */
function endOfData(rest: string, modern: RegExpExecArray): number {
  let at = modern[0].length - 1;
  if (rest[at] === "-") return Math.min(rest.length, at + 2);
  for (let isQuoted = false; at < rest.length; at++) {
    const character = rest[at];
    if (character === "\\") at++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === "]" && !isQuoted && rest[at + 1] !== "[") return Math.min(rest.length, at + 2);
  }
  return rest.length;
}

export const syslog: Protocol = {
  name: "syslog",
  kinds: ["unix-dgram", "loopback-udp"],
  datagram,
};
