import type { Subcommand } from "../command/subcommand.ts";

export const extcap: Subcommand = {
  usage: "--install|--remove",
  description: "be an interface of Wireshark's",
  // those for people; Wireshark has its own, and src/extcap/call.ts reads both
  flags: {
    install: { description: "into Wireshark's folder, or another" },
    remove: { description: "from there" },
  },
  // Wireshark calls through a link, and knows no word for it; what stands behind -- is a command's
  isMeant: (words) => {
    const end = words.indexOf("--");
    const own = end < 0 ? words : words.slice(0, end);
    return words[0]?.startsWith("--") === true && own.some((word) => word.startsWith("--extcap-"));
  },
  run: async (words) => {
    const { extcap } = await import("../extcap/extcap.ts");
    const answer = extcap(words);
    return typeof answer === "string" ? { text: answer } : { action: "trace", options: answer };
  },
};
