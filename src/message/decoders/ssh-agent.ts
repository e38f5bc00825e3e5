/** The SSH agent's protocol: a length, a type, and what belongs to it. Keys and signatures are not shown. */
import { latin1 } from "../../bytes/latin1.ts";
import { FramedDialogue } from "../framed.ts";
import type { Detail, Said } from "../message.ts";
import type { Head, Protocol, Side, Verdict } from "../protocol.ts";
import type { Stream } from "../stream.ts";
import { field, text } from "./words.ts";

/** of OpenSSH's agent */
const mostMessage = 256 * 1024;
const mostSeen = 256;

const requests: Readonly<Record<number, string>> = {
  1: "request-rsa-identities",
  3: "rsa-challenge",
  9: "remove-all-rsa-identities",
  11: "request-identities",
  13: "sign-request",
  17: "add-identity",
  18: "remove-identity",
  19: "remove-all-identities",
  20: "add-smartcard-key",
  21: "remove-smartcard-key",
  22: "lock",
  23: "unlock",
  25: "add-id-constrained",
  26: "add-smartcard-key-constrained",
  27: "extension",
};
const answers: Readonly<Record<number, string>> = {
  2: "rsa-identities-answer",
  5: "failure",
  6: "success",
  12: "identities-answer",
  14: "sign-response",
  28: "extension-failure",
  29: "extension-response",
};
const failures = [5, 28];

class SshAgentDialogue extends FramedDialogue {
  protected read(stream: Stream, side: Side): boolean {
    const { bytes, at, left } = stream;
    if (left < 5) return false;
    const words = side === this.asks ? requests : answers;
    const length = lengthOf(bytes, at);
    const name = words[bytes[at + 4] as number];
    if (length > mostMessage || length < 1 || name === undefined) return this.pass(stream, side);
    this.found(stream, side);
    const seen = stream.frame(4 + length, mostSeen);
    if (seen < 0) return false;
    const body = bytes.subarray(at + 5, at + Math.max(5, seen));
    const type = bytes[at + 4] as number;
    const said = side === this.asks ? asked(type, name, body) : answered(type, name, body);
    return this.take(stream, side, 4 + length, said);
  }
}

function asked(type: number, name: string, body: Uint8Array): Said {
  return { kind: "request", name: text(name), fields: type === 27 ? first(body, "extension") : [] };
}

function answered(type: number, name: string, body: Uint8Array): Said {
  if (failures.includes(type)) return { kind: "error", status: text(name), isError: true };
  const fields = type === 12 && body.length >= 4 ? [field("keys", lengthOf(body, 0))] : [];
  return { kind: "response", status: text(name), fields };
}

/** The string that a body begins with. */
function first(body: Uint8Array, name: string): Detail[] {
  const length = body.length < 4 ? 0 : lengthOf(body, 0);
  return length === 0 || length > body.length - 4
    ? []
    : [field(name, text(latin1(body.subarray(4, 4 + length))))];
}

function lengthOf(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

function detect({ bytes, path }: Head): Verdict {
  if (bytes[0] !== 0) return "no";
  const isKnown = /agent/i.test(path);
  // OpenSSH sends the length by itself
  if (bytes.length < 5) return isKnown || bytes.every((byte, i) => byte === (i < 3 ? 0 : 1)) ? "maybe" : "no";
  const length = lengthOf(bytes, 0);
  const type = bytes[4] as number;
  // elsewhere only what every client begins with
  const isAsked =
    type === 11 ? length === 1 : isKnown && requests[type] !== undefined && length <= mostMessage;
  if (isAsked && length >= 1) return "asks";
  return isKnown && answers[type] !== undefined && length >= 1 && length <= mostMessage ? "answers" : "no";
}

export const sshAgent: Protocol = {
  name: "ssh-agent",
  kinds: ["unix-stream"],
  detect,
  open: (voice, asks) => new SshAgentDialogue(voice, asks),
};
