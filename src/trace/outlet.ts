/** What the options choose of what stands behind the filter. */
import { isatty } from "node:tty";
import type { Options } from "../command/arguments.ts";
import { isColored } from "../command/color.ts";
import type { Format } from "../format/format.ts";
import { type FormatChoice, formats } from "../format/index.ts";
import { MessageSummary } from "../format/messagesummary.ts";
import { Summary } from "../format/summary.ts";
import type { Table } from "../format/table.ts";
import { kinds } from "../kinds/index.ts";
import { TrafficMap } from "../map/traffic.ts";
import { decodersOf } from "../message/decoders/index.ts";
import { Decoding, type MessageListener } from "../message/decoding.ts";
import type { Sink } from "../sink.ts";
import { Beside } from "./beside.ts";
import { Joining } from "./joining.ts";
import { Matching } from "./matching.ts";
import type { Stage } from "./stage.ts";

/** null: events are printed as they are */
export function stageOf(
  { decode, join, match, map, top }: Options,
  printer: MessageListener,
  format: Format,
  sink: Sink,
): Stage | null {
  const listener = match.length === 0 ? printer : new Matching(match, printer);
  if (decode !== null) {
    const protocols = decodersOf(decode.protocols);
    if (map === null && top === null) return new Decoding(protocols, decode, listener);
    // a map shows every event, and what it says of answers is said of all of them
    const choice = map === null ? decode : { ...decode, slow: 0, errors: false };
    return new Beside(listener, format, sink, protocols, choice);
  }
  return join > 0 ? new Joining(join, listener) : null;
}

/** The table of --summary, of pairs, and with --decode of messages' names; null without it. */
export function tableOf({ summary, format, decode, who }: Options): Table | null {
  if (!summary) return null;
  return decode === null ? new Summary(format, who) : new MessageSummary(format);
}

/** What events are written as where there is no table. */
export function formatOf(options: Options): Format {
  const { map, format, who } = options;
  return map === null ? formats[format](formatChoice(options)) : new TrafficMap(map, who);
}

/** What the options choose of formats. */
function formatChoice({ color, output, decode, isReadable, isBrief, who }: Options): FormatChoice {
  return {
    isColored: isColored(color, output === null && isatty(1), process.env),
    decodes: decode !== null,
    isReadable,
    isBrief,
    tells: who,
    carried: new Map(kinds.map(({ name, carries }) => [name, carries])),
  };
}
