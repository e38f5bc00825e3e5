/** A message as an object of JSON: what it is, without its ends, time and meta. */
import { escapeJson } from "../bytes/escape.ts";
import { literal, type Output } from "../bytes/output.ts";
import type { Message, Word } from "../message/message.ts";

const quote = 0x22;

const kindWord = literal('{"kind":"');
const nameWord = literal(',"name":');
const idWord = literal(',"id":');
const statusWord = literal(',"status":');
const latencyWord = literal(',"latency_ns":');
const waitingWord = literal(',"waiting_ns":');
const missingWord = literal(',"missing":');
const close = literal("}");

export function messageJson(message: Message, out: Output): void {
  const { said, name, missing, latency } = message;
  const { kind, id, status, fields = [] } = said;
  out.literal(kindWord);
  out.string(`${kind}"`);
  if (name !== undefined) {
    out.literal(nameWord);
    wordJson(name, out);
  }
  if (id !== undefined) {
    out.literal(idWord);
    wordJson(id, out);
  }
  if (status !== undefined) {
    out.literal(statusWord);
    wordJson(status, out);
  }
  if (latency >= 0) {
    out.literal(kind === "unanswered" ? waitingWord : latencyWord);
    out.string(`${latency}`);
  }
  for (const { name, value } of fields) {
    out.string(`,"${name}":`);
    wordJson(value, out);
  }
  if (missing > 0) {
    out.literal(missingWord);
    out.string(`${missing}`);
  }
  out.literal(close);
}

export function wordJson(word: Word, out: Output): void {
  if (typeof word === "number") {
    out.string(`${word}`);
    return;
  }
  out.byte(quote);
  escapeJson(word, 0, word.length, out);
  out.byte(quote);
}
