import type { FormatName } from "./index.ts";
import { MessageSummary } from "./messagesummary.ts";
import { Summary } from "./summary.ts";
import type { Table } from "./table.ts";

/** The table of --summary: of pairs, and with --decode of messages' names. */
export function tableOf({
  format,
  decode,
  who,
}: {
  format: FormatName;
  decode: object | null;
  who: boolean;
}): Table {
  return decode === null ? new Summary(format, who) : new MessageSummary(format);
}
