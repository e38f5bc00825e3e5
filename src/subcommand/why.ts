import { readOwn, type Subcommand } from "../command/subcommand.ts";

export const why: Subcommand = {
  usage: "[PID|NAME]",
  description: "what it waits for; alone: what hangs",
  flags: {},
  operands: "comm",
  run: async (words) => {
    const { operands } = readOwn("why", words, {}, true);
    const { why } = await import("../why/why.ts");
    const { text, isDeadlock } = await why(operands);
    return { text, status: isDeadlock ? 1 : 0 };
  },
};
