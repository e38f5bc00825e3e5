import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Output } from "../../src/bytes/output.ts";
import { isText, textRows } from "../../src/bytes/readable.ts";
import { type Event, key } from "../../src/event.ts";
import { Csv } from "../../src/format/csv.ts";
import { type FormatName, formats } from "../../src/format/index.ts";
import type { Message } from "../../src/message/message.ts";

setDefaultTimeout(60_000);

const encoder = new TextEncoder();

function contents(text: string | Uint8Array) {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  const around = new Uint8Array(bytes.length + 8).fill(0x0a);
  around.set(bytes, 4);
  return { bytes: around, start: 4, length: bytes.length };
}

function written(write: (out: Output) => void): string {
  const out = new Output(0);
  write(out);
  return new TextDecoder("utf-8", { fatal: true }).decode(out.bytes.subarray(0, out.length));
}

const rows: [text: string, rows: string][] = [
  ["", ""],
  ["a", "\ta\n"],
  ["a\nb\n", "\ta\n\tb\n"],
  ["\n\na", "\t\n\t\n\ta\n"],
  ["GET / HTTP/1.1\r\n\r\n", "\tGET / HTTP/1.1\\r\n\t\\r\n"],
  ["a\tb", "\ta\tb\n"],
  ["\x1b[31m\\ grün\u202e", "\t\\x1b[31m\\\\ grün\\xe2\\x80\\xae\n"],
];
test.each(rows)("%j", (text, wanted) => {
  expect(isText(contents(text), false)).toBe(true);
  expect(written((out) => textRows(contents(text), out))).toBe(wanted);
});

test("what is text, and what is not", () => {
  const whole = encoder.encode("grün💥");
  expect(isText(contents("a\0b"), true)).toBe(false);
  expect(isText(contents(Uint8Array.of(0x61, 0xff, 0x61)), true)).toBe(false);
  expect(isText(contents(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1)), true)).toBe(false);
  // a character in two pieces
  for (let at = 3; at < whole.length; at++) {
    const pieces = [whole.slice(0, at), whole.slice(at)];
    for (const piece of pieces) expect([at, isText(contents(piece), true)]).toEqual([at, true]);
  }
  expect(isText(contents(whole.slice(0, -1)), false)).toBe(false);
  expect(isText(contents(whole.slice(-1)), false)).toBe(false);
});

function event(text: string | Uint8Array): Event {
  const bytes = contents(text);
  return {
    kind: "pipe",
    time: { seconds: 0, nanoseconds: 0 },
    src: { pid: 1, comm: encoder.encode("sh"), guess: false },
    dst: { pid: 2, comm: encoder.encode("cat"), guess: false },
    meta: (out) => {
      out.text(key("pipe_name", "text"), encoder.encode("/f"));
      out.integer(key("pipe_inode", "integer"), 7, 0);
      out.integer(key("count", "integer"), bytes.length, 0);
    },
    countLow: bytes.length,
    countHigh: 0,
    contents: bytes,
  };
}

const binary = Uint8Array.of(0, 0xff);
const shown = (name: FormatName, text: string | Uint8Array) =>
  written((out) => formats[name]({ isReadable: true }).event(event(text), out));

test("text: rows of text, or a hex dump", () => {
  expect(shown("text", "a\nb")).toEndWith(" count 3\n\ta\n\tb\n");
  expect(shown("text", binary)).toContain("\t00000000  00 ff ");
});

test("json: text, or bytes", () => {
  expect(JSON.parse(shown("json", 'a"\n\x1bü'))).toMatchObject({ text: 'a"\n\x1bü' });
  expect(JSON.parse(shown("json", 'a"'))).not.toHaveProperty("bytes");
  expect(JSON.parse(shown("json", binary))).toMatchObject({ bytes: "AP8=" });
});

test("csv: one of two columns", () => {
  const csv = formats.csv({ isReadable: true, decodes: true });
  expect(written((out) => csv.header(out))).toContain(",meta,bytes,text,protocol,");
  expect(shown("csv", 'a,"\n')).toEndWith(',,"a,""\\x0a"\n');
  expect(shown("csv", binary)).toEndWith(",AP8=,\n");
});

test("--brief leaves inodes out of text, and of nothing else", () => {
  const brief = (name: FormatName) =>
    written((out) => formats[name]({ isBrief: true }).event({ ...event("a"), contents: null }, out));
  expect(brief("text")).toEndWith(" pipe 1(sh) > 2(cat): pipe_name /f, count 1\n");
  expect(brief("json")).toContain('"pipe_inode":7');
});

describe("an event of more than 16 MB comes in pieces below that", () => {
  const most = 16 * 1024 * 1024;
  // of an odd length, so that each of its characters is cut somewhere
  const part = 'grün, "💥"\x1b\\\r\n\t.';
  const long = part.repeat(Math.ceil((most + 1) / encoder.encode(part).length));

  function whole(name: FormatName, text: string | Uint8Array): string {
    return pieced((out) => formats[name]({ isReadable: true }).event(event(text), out));
  }

  function pieced(write: (out: Output) => void): string {
    const out = new Output();
    out.isPiecewise = true;
    write(out);
    const pieces: Uint8Array[] = [];
    do {
      pieces.push(out.bytes.slice(0, out.length));
      out.clear();
    } while (out.more());
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(most);
    expect(pieces.length).toBeGreaterThan(1);
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(pieces));
  }

  const said: Omit<Message, "event"> = {
    said: { kind: "response", id: 7, status: 200 },
    name: encoder.encode("GET /"),
    protocol: "http",
    missing: 0,
    latency: 5,
  };

  const escaped = (text: string) => text.replaceAll("\\", "\\\\").replaceAll("\x1b", "\\x1b");

  test("as text", () => {
    const rows = escaped(long).replaceAll("\r", "\\r").replaceAll("\n", "\n\t");
    expect(whole("text", long).endsWith(`\n\t${rows}\n`)).toBe(true);
  });

  test("as json", () => {
    expect(JSON.parse(whole("json", long)).text === long).toBe(true);
  });

  test("as csv, quoted", () => {
    const field = escaped(long).replaceAll("\r", "\\x0d").replaceAll("\n", "\\x0a").replaceAll("\t", "\\x09");
    expect(whole("csv", long).endsWith(`,,"${field.replaceAll('"', '""')}"\n`)).toBe(true);
  });

  test("as csv, without quotes", () => {
    const words = "ab".repeat(most / 2);
    expect(whole("csv", words).endsWith(`,,${words}\n`)).toBe(true);
    const bytes = new Uint8Array(most);
    expect(whole("csv", bytes).endsWith(`,${Buffer.from(bytes).toString("base64")},\n`)).toBe(true);
  });

  test("as csv, of a message", () => {
    const object = '"{""kind"":""response"",""name"":""GET /"",""id"":7,""status"":200,""latency_ns"":5}"';
    const format = new Csv({ isReadable: true, decodes: true });
    const row = (text: string | Uint8Array) =>
      pieced((out) => format.message({ ...said, event: event(text) }, out));
    const columns = `http,response,GET /,7,200,5,${object}\n`;
    const words = "ab".repeat(most / 2);
    expect(row(words).endsWith(`,,${words},${columns}`)).toBe(true);
    expect(row(`${words},`).endsWith(`,,"${words},",${columns}`)).toBe(true);
    const bytes = new Uint8Array(most);
    const base64 = Buffer.from(bytes).toString("base64");
    expect(row(bytes).endsWith(`,${base64},,${columns}`)).toBe(true);
  });
});
