import { printable } from "../bytes/escape.ts";
import { key, type Meta } from "../event.ts";
import { Kind, QueueRecord } from "../layout.ts";
import { Remembered } from "../name/remembered.ts";
import { callHooks } from "./hooks.ts";
import type { KindModule, Tools } from "./kind.ts";
import { mostQueues, QueueReader } from "./queue.ts";

const mqName = key("mq_name", "text", true);
const priority = key("priority", "integer");
const count = key("count", "integer");
const slash = 0x2f;
/** mq_open and mq_unlink by processor; of the call that opens the flags O_RDWR | O_CREAT */
const [open, unlink] = process.arch === "x64" ? [240, 241] : [180, 181];
const createBoth = 0o102;

class MqReader extends QueueReader {
  readonly #bytes: Uint8Array;
  /** by the queue's number, which is all that may be known of it when a call returns */
  readonly #queues = new Remembered<Uint8Array>(mostQueues);
  protected readonly isByPriority = true;

  constructor(tools: Tools) {
    super(tools);
    const { buffer, byteOffset, byteLength } = tools.words;
    this.#bytes = new Uint8Array(buffer, byteOffset, byteLength);
  }

  protected label(): string {
    return `mq ${printable(this.#name())}`;
  }

  /** `/name`; the same array for the same queue */
  #name(): Uint8Array {
    const start = this.record.at * 4 + QueueRecord.name.offset;
    const field = this.#bytes.subarray(start, start + QueueRecord.name.length);
    const name = field.subarray(0, field.indexOf(0));
    const known = this.#queues.get(this.number);
    if (known !== undefined) return known;
    const made = new Uint8Array(name.length + 1);
    made[0] = slash;
    made.set(name, 1);
    this.#queues.set(this.number, made);
    return made;
  }

  protected readonly meta = (out: Meta): void => {
    out.text(mqName, this.#name());
    out.integer(priority, this.typeLow, this.typeHigh);
    out.integer(count, this.record.count, 0);
  };
}

const mq: KindModule = {
  name: "mq",
  aliases: ["q"],
  shows: "a message taken from a POSIX message queue",
  carries: "messages",
  id: Kind.KIND_MQ,
  size: QueueRecord.size,
  hooks: { mq_load: ["load_msg"], mq_store: ["store_msg"], mq_free: ["free_msg"], ...callHooks },
  within: { calls_enter: ["tracepoint"], calls_exit: ["tracepoint"], calls_begun: ["tracepoint"] },
  blind: { tracepoint: ["racing threads"] },
  reader: (tools) => new MqReader(tools),
  trial: ({ call }) => {
    const name = new TextEncoder().encode("ipcdump-doctor\0");
    const queue = call(open, "a message queue", name, createBoth, 0o600, 0);
    call(unlink, "a message queue", name);
    const send = process.arch === "x64" ? 242 : 182;
    const length = 14;
    return {
      source: () => ["c", `${send}`, `${queue}`, "@", `${length}`, "0", "0"],
      destination: ["c", `${send + 1}`, `${queue}`, "@", "8192", "0", "0"],
      descriptors: [queue],
      [Symbol.dispose]: () => void call(process.arch === "x64" ? 3 : 57, "close a queue", queue),
    };
  },
};

export const kinds: readonly KindModule[] = [mq];
