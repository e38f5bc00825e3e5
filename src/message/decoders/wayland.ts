/**
 * Wayland: requests and events by object. Objects are known from the connection's beginning on, so one that was there
 * before tracing is not decoded. The names are of the core protocol and xdg-shell.
 */
import { latin1 } from "../../bytes/latin1.ts";
import { FramedDialogue } from "../framed.ts";
import type { Detail, Said } from "../message.ts";
import type { Head, Protocol, Side, Verdict } from "../protocol.ts";
import type { Stream } from "../stream.ts";
import { interfaces } from "./waylandcore.ts";
import { field, text } from "./words.ts";

const headerLength = 8;
const mostSeen = 1024;
const display = 1;
/** of a connection; those beyond have no name */
const mostObjects = 65_536;
/** objects that the server makes have numbers from here on */
const firstOfServer = 0xff00_0000;

class WaylandDialogue extends FramedDialogue {
  readonly #objects = new Map<number, string>([[display, "wl_display"]]);

  protected read(stream: Stream, side: Side): boolean {
    const { bytes, at, left } = stream;
    if (left < headerLength) return false;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, left);
    const object = view.getUint32(0, true);
    const length = view.getUint16(6, true);
    const isOne = object !== 0 && length >= headerLength && length % 4 === 0;
    // in the midst of something only what is of a known object counts
    if (!isOne || (this.isLost[side] && !this.#isKnown(object, view.getUint16(4, true), side)))
      return this.pass(stream, side);
    this.found(stream, side);
    const seen = stream.frame(length, mostSeen);
    if (seen < 0) return false;
    const body = new DataView(bytes.buffer, bytes.byteOffset + at, Math.max(headerLength, seen));
    return this.take(stream, side, length, this.#saidBy(body, object, view.getUint16(4, true), side));
  }

  #wordsOf(object: number, side: Side): readonly string[] {
    const found = interfaces.get(this.#objects.get(object) ?? "");
    return (side === this.asks ? found?.requests : found?.events) ?? [];
  }

  #isKnown(object: number, opcode: number, side: Side): boolean {
    return this.#wordsOf(object, side)[opcode] !== undefined;
  }

  #saidBy(view: DataView, object: number, opcode: number, side: Side): Said {
    const face = this.#objects.get(object) ?? "unknown";
    const [word = `${opcode}`, made] = (this.#wordsOf(object, side)[opcode] ?? "").split(">");
    const name = text(`${face}.${word === "" ? opcode : word}`);
    const first = view.byteLength >= headerLength + 4 ? view.getUint32(headerLength, true) : 0;
    const fields: Detail[] = [field("object", object)];
    if (made !== undefined && first !== 0) this.#keep(first, made);
    if (face === "wl_registry" && word === "bind" && side === this.asks) fields.push(...this.#bound(view));
    if (face === "wl_display" && word === "delete_id") this.#objects.delete(first);
    if (side === this.asks) {
      // a callback is what answers
      return made === "wl_callback"
        ? { kind: "request", name, id: first, fields }
        : { kind: "request", name, fields, isOneWay: true };
    }
    if (face === "wl_callback") return { kind: "response", id: object, status: text("done") };
    if (face === "wl_display" && word === "error")
      return { kind: "error", pairing: "none", status: name, isError: true };
    if (object >= firstOfServer && /^(?:finish|destroy)$/.test(word)) this.#objects.delete(object);
    return { kind: "notification", name, fields };
  }

  #keep(object: number, face: string): void {
    if (this.#objects.size < mostObjects || this.#objects.has(object)) this.#objects.set(object, face);
  }

  /** The arguments of bind: a number, the interface's name, its version, and the new object. */
  #bound(view: DataView): Detail[] {
    if (view.byteLength < headerLength + 8) return [];
    const length = view.getUint32(headerLength + 4, true);
    const behind = headerLength + 8 + Math.ceil(length / 4) * 4;
    if (length < 2 || behind + 8 > view.byteLength) return [];
    const bytes = new Uint8Array(view.buffer, view.byteOffset + headerLength + 8, length - 1);
    this.#keep(view.getUint32(behind + 4, true), latin1(bytes));
    return [field("bound", text(latin1(bytes))), field("version", view.getUint32(behind, true))];
  }
}

function detect({ bytes, path }: Head): Verdict {
  // the first request of a connection is sync or get_registry, with the first new object
  const beginning = [1, 0, 0, 0, bytes[4] === 0 ? 0 : 1, 0, 12, 0, 2, 0, 0, 0];
  const seen = Math.min(bytes.length, beginning.length);
  for (let i = 0; i < seen; i++) if (bytes[i] !== beginning[i]) return "no";
  if (seen === beginning.length) return "asks";
  return seen >= 4 || /wayland/.test(path) ? "maybe" : "no";
}

export const wayland: Protocol = {
  name: "wayland",
  kinds: ["unix-stream"],
  detect,
  open: (voice, asks) => new WaylandDialogue(voice, asks),
};
