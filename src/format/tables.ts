import type { FormatName } from "./index.ts";
import { MessageSummary } from "./messagesummary.ts";
import { Summary } from "./summary.ts";
import type { Table } from "./table.ts";

/** The table of --summary: of pairs, and with --decode of messages' names. */
export function tableOf({ format, decode }: { format: FormatName; decode: object | null }): Table {
  return decode === null ? new Summary(format) : new MessageSummary(format);
}
