/** `ipcdump top`: in place of lines a board of who talks to whom right now, and keys to steer it. */
import { NativeError } from "../../ffi/error.ts";
import { Keyboard } from "../../ffi/keyboard.ts";
import { Output } from "../bytes/output.ts";
import type { TopOptions } from "../command/arguments.ts";
import type { Event, Lost } from "../event.ts";
import { Failure } from "../failure.ts";
import type { Format } from "../format/format.ts";
import { type Row, Rows } from "../format/rows.ts";
import { Text } from "../format/text.ts";
import type { Message } from "../message/message.ts";
import { Board, type BoardLine, orders, views } from "./board.ts";
import { frameOf, painted } from "./screen.ts";

/** events kept to be looked at, and how many of them a frame's time adds at most */
const kept = 512;
const keptAFrame = 128;
/** of the lines on the screen the head and the titles */
const headLines = 2;

export class Top implements Format, Disposable {
  readonly #options: TopOptions;
  readonly #keyboard: Keyboard | null;
  readonly #rows = new Rows();
  readonly #board = new Board();
  readonly #text = new Text();
  readonly #scratch = new Output(1024);
  /** the last events as text, with the row they are of */
  #recent: { row: Row; line: string }[] = [];
  #kept = 0;
  #entries: BoardLine[] = [];
  #events = 0;
  #lost = 0;
  #marked = 0;
  /** the line that was opened: its events are shown */
  #opened: BoardLine | null = null;
  #isTyping = false;
  #isPaused = false;
  #start = performance.now();
  #due = 0;
  #frames = 0;
  #isOver = false;

  /**
   * @param decodes messages are given beside their events
   * @throws Failure without a terminal, unless frames are for scripts
   */
  constructor(
    options: TopOptions,
    private readonly decodes: boolean,
  ) {
    this.#options = options;
    this.#keyboard = options.isBatch ? null : openKeyboard();
    this.#due = this.#start + options.interval * 1000;
  }

  /** The descriptor of keys; null for scripts. */
  get keys(): number | null {
    return this.#keyboard?.fd ?? null;
  }

  /** Whether the last frame was asked for, or q was pressed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Milliseconds to the next frame. */
  get left(): number {
    return Math.max(0, this.#due - performance.now());
  }

  header(): void {}

  event(event: Event): void {
    const row = this.#rows.add(event);
    this.#events++;
    if (!this.decodes) this.#keep(row, (out) => this.#text.event(event, out));
  }

  events(event: Event, events: number, bytes: number): void {
    this.#rows.addAll(event, events, bytes);
    this.#events += events;
  }

  /** How many events of a frame are looked at. */
  get samples(): number {
    return this.#keyboard === null ? 0 : keptAFrame;
  }

  message(message: Message): void {
    const { said, event, latency } = message;
    const isAnswer = latency >= 0 && said.kind !== "unanswered";
    const row = isAnswer ? this.#rows.answer(event, latency) : this.#rows.of(event);
    this.#keep(row, (out) => this.#text.message(message, out));
  }

  rest(event: Event): void {
    this.#keep(this.#rows.of(event), (out) => this.#text.event(event, out));
  }

  /** Keeps lines to be looked at. */
  #keep(row: Row, write: (out: Output) => void): void {
    if (this.#keyboard === null || ++this.#kept > keptAFrame) return;
    this.#scratch.clear();
    write(this.#scratch);
    const line = new TextDecoder().decode(this.#scratch.bytes.subarray(0, this.#scratch.length)).trimEnd();
    this.#recent.push({ row, line });
    if (this.#recent.length > 2 * kept) this.#recent = this.#recent.slice(-kept);
  }

  lost(lost: Lost): void {
    this.#lost += lost.count;
    this.#rows.lose(lost);
  }

  /** Draws when it is time, or a key was pressed. */
  draw(out: Output): void {
    const pressed = this.#keyboard?.keys() ?? "";
    for (const key of keysIn(pressed)) this.#press(key);
    const isDue = performance.now() >= this.#due;
    if (!isDue && pressed === "") return;
    if (isDue) {
      this.#due = performance.now() + this.#options.interval * 1000;
      this.#kept = 0;
      if (!this.#isPaused) this.#entries = this.#board.frame(this.#rows);
      this.#frames++;
      this.#isOver ||= this.#frames === this.#options.frames;
    }
    this.#paint(out);
  }

  #paint(out: Output): void {
    const head = {
      seconds: (performance.now() - this.#start) / 1000,
      events: this.#events,
      lost: this.#lost,
      view: this.#board.view,
      order: this.#board.order,
      filter: this.#board.filter,
      isTyping: this.#isTyping,
      isPaused: this.#isPaused,
    };
    if (this.#keyboard === null) {
      out.string(`${frameOf(head, this.#entries, 0).join("\n")}\n\n`);
      return;
    }
    const { rows, columns } = this.#keyboard.size();
    const room = rows - headLines - 1;
    this.#marked = Math.max(0, Math.min(this.#marked, this.#entries.length - 1));
    const first = Math.max(0, this.#marked - room + 1);
    const lines = frameOf(head, this.#entries.slice(first, first + room), columns);
    const help =
      this.#opened === null ? keysHelp : `${openedHelp} ${this.#opened.source} - ${this.#opened.destination}`;
    if (this.#opened !== null)
      lines.splice(1, lines.length, help, ...this.#linesOf(this.#opened).slice(-room));
    while (lines.length < rows - 1) lines.push("");
    if (this.#opened === null) lines.push(help);
    out.string(painted(lines, rows, columns, this.#opened === null ? headLines + this.#marked - first : -1));
  }

  /** The last events of a line, and those that went the other way. */
  #linesOf({ rows }: BoardLine): string[] {
    const way = (from: number, to: number, { kind }: Row) => `${kind} ${from} ${to}`;
    const ways = new Set(
      rows.flatMap((row) => [way(row.srcPid, row.dstPid, row), way(row.dstPid, row.srcPid, row)]),
    );
    return this.#recent
      .filter(({ row }) => ways.has(way(row.srcPid, row.dstPid, row)))
      .flatMap(({ line }) => line.split("\n"));
  }

  #press(key: string): void {
    if (this.#isTyping) {
      this.#type(key);
      return;
    }
    const board = this.#board;
    const page = 10;
    const steps: Record<string, number> = {
      ...{ "\x1b[A": -1, k: -1, "\x1b[B": 1, j: 1, "\x1b[5~": -page, "\x1b[6~": page },
      ...{ g: -this.#marked, G: this.#entries.length },
    };
    if (Object.hasOwn(steps, key)) this.#marked += steps[key]!;
    else if (key === "q" && this.#opened === null) this.#isOver = true;
    else if (key === "q" || key === "\x1b") this.#opened = null;
    else if (key === "\r" || key === "\n") this.#opened = this.#entries[this.#marked] ?? null;
    else if (key === "/") this.#isTyping = true;
    else if (key === " ") this.#isPaused = !this.#isPaused;
    else if (key === "s") board.order = after(orders, board.order);
    else if (key === "p") board.view = after(views, board.view);
    if ("sp".includes(key)) this.#due = 0;
  }

  /** A key while a filter is typed. */
  #type(key: string): void {
    const board = this.#board;
    if (key === "\r" || key === "\n") this.#isTyping = false;
    else if (key === "\x1b") {
      this.#isTyping = false;
      board.filter = "";
    } else if (key === "\x7f" || key === "\b") board.filter = board.filter.slice(0, -1);
    else if (key >= " " && !key.startsWith("\x1b")) board.filter += key;
    this.#marked = 0;
    this.#due = 0;
  }

  [Symbol.dispose](): void {
    this.#keyboard?.[Symbol.dispose]();
  }
}

/** Single keys: a character, or a sequence such as that of an arrow. */
function keysIn(text: string): string[] {
  const keys: string[] = [];
  for (let at = 0; at < text.length; at += keys.at(-1)!.length) {
    const isSequence = text.startsWith("\x1b[", at);
    const hasDigit = isSequence && /\d/.test(text.charAt(at + 2));
    keys.push(text.slice(at, at + (hasDigit ? 4 : isSequence ? 3 : 1)));
  }
  return keys;
}

const keysHelp = "q quit  arrows move  Enter messages  / filter  s sort  p processes  Space pause";
const openedHelp = "q back ";

function after<Word>(words: readonly Word[], word: Word): Word {
  return words[(words.indexOf(word) + 1) % words.length]!;
}

function openKeyboard(): Keyboard {
  try {
    return new Keyboard();
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    throw new Failure(`${error.message}; for frames without one add -b`);
  }
}
