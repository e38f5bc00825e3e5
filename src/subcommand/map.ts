import { parseArguments } from "../command/arguments.ts";
import { type DrawingName, drawingNames } from "../command/drawings.ts";
import { oneOf } from "../command/flagvalues.ts";
import { last } from "../command/given.ts";
import { type Answer, readOwn, type Subcommand } from "../command/subcommand.ts";
import { UsageError } from "../failure.ts";

const flags = {
  format: {
    short: "f",
    value: "NAME",
    values: drawingNames,
    default: "text",
    description: drawingNames.join(", "),
  },
  read: {
    short: "r",
    value: "FILE",
    values: "file",
    default: "",
    description: "of who talked to whom there, - is stdin",
  },
  output: {
    short: "o",
    value: "FILE",
    values: "file",
    default: "-",
    description: "write there, - is stdout",
  },
} as const;

/** The map of a recording: -r of tracing, but drawn. @throws UsageError */
function traffic(
  operands: readonly string[],
  recording: string,
  drawing: DrawingName,
  output: string,
): Answer {
  if (operands.length > 0)
    throw new UsageError(
      `map -r takes no ${operands[0]}\nTo choose of a recording: ipcdump -r FILE --map FILE.html -P ${operands[0]}`,
    );
  const invocation = parseArguments(["-r", recording, "-o", output, "--decode"]);
  if (invocation.action !== "trace") return invocation;
  return { ...invocation, options: { ...invocation.options, map: drawing } };
}

export const map: Subcommand = {
  usage: "[PID|NAME|PATH]",
  description: "who can talk to whom, or did",
  flags,
  operands: "comm",
  run: async (words) => {
    const { given, operands } = readOwn("map", words, flags, true);
    const drawing = oneOf("map -f", last(given, "format", flags), drawingNames);
    const output = last(given, "output", flags);
    const recording = last(given, "read", flags);
    if (recording !== "") return traffic(operands, recording, drawing, output);
    const { map } = await import("../map/map.ts");
    return { text: map(operands, drawing), file: output === "-" ? null : output };
  },
};
