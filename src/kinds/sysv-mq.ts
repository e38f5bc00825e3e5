import { key, type Meta } from "../event.ts";
import { Kind, QueueRecord } from "../layout.ts";
import { callHooks } from "./hooks.ts";
import type { KindModule } from "./kind.ts";
import { QueueReader } from "./queue.ts";

const queueKey = key("key", "integer");
const id = key("id", "integer");
const type = key("mtype", "integer");
const count = key("count", "integer");
/** msgget, msgsnd, msgrcv, msgctl by processor */
const [get, send, receive, control] = process.arch === "x64" ? [68, 69, 70, 71] : [186, 189, 188, 187];

class SysvMqReader extends QueueReader {
  protected readonly isByPriority = false;

  protected label(): string {
    return `sysv-mq ${this.record.id}`;
  }

  protected readonly meta = (out: Meta): void => {
    out.integer(queueKey, this.record.key, 0);
    out.integer(id, this.record.id, 0);
    out.integer(type, this.typeLow, this.typeHigh);
    out.integer(count, this.record.count, 0);
  };
}

const sysvMq: KindModule = {
  name: "sysv-mq",
  aliases: ["sq"],
  shows: "a message taken from a System V message queue",
  carries: "messages",
  id: Kind.KIND_SYSV_MQ,
  size: QueueRecord.size,
  hooks: {
    sysv_mq_load: ["load_msg"],
    sysv_mq_store: ["store_msg"],
    sysv_mq_free: ["free_msg"],
    ...callHooks,
  },
  within: { calls_enter: ["tracepoint"], calls_exit: ["tracepoint"], calls_begun: ["tracepoint"] },
  blind: { tracepoint: ["racing threads"] },
  reader: (tools) => new SysvMqReader(tools),
  trial: ({ call }) => {
    const queue = call(get, "a message queue", 0, 0o600);
    // of the buffer the first eight bytes are the type
    return {
      source: () => ["c", `${send}`, `${queue}`, "@", "6", "0"],
      destination: ["c", `${receive}`, `${queue}`, "@", "6", "0", "0"],
      descriptors: [],
      [Symbol.dispose]: () => void call(control, "remove a message queue", queue, 0),
    };
  },
};

export const kinds: readonly KindModule[] = [sysvMq];
