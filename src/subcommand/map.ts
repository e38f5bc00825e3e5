import { oneOf } from "../command/flagvalues.ts";
import { last } from "../command/given.ts";
import { readOwn, type Subcommand } from "../command/subcommand.ts";
import { drawingNames } from "../map/choice.ts";

const flags = {
  format: {
    short: "f",
    value: "NAME",
    values: drawingNames,
    default: "text",
    description: drawingNames.join(", "),
  },
  output: {
    short: "o",
    value: "FILE",
    values: "file",
    default: "-",
    description: "write there, - is stdout",
  },
} as const;

export const map: Subcommand = {
  usage: "[PID|NAME|PATH]",
  description: "who can talk to whom right now",
  flags,
  operands: "comm",
  run: async (words) => {
    const { given, operands } = readOwn("map", words, flags, true);
    const drawing = oneOf("map -f", last(given, "format", flags), drawingNames);
    const output = last(given, "output", flags);
    const { map } = await import("../map/map.ts");
    return { text: map(operands, drawing), file: output === "-" ? null : output };
  },
};
