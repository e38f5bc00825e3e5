import { readOwn, type Subcommand } from "../command/subcommand.ts";

const flags = { json: { description: "as JSON" } } as const;

export const doctor: Subcommand = {
  usage: "[--json]",
  description: "what works here, what mends the rest",
  flags,
  run: async (words) => {
    const { given } = readOwn("doctor", words, flags, false);
    const { doctor } = await import("../doctor/doctor.ts");
    const { text, works } = await doctor(given.has("json"));
    return { text, status: works ? 0 : 1 };
  },
};
