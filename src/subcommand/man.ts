import manifest from "../../package.json" with { type: "json" };
import { manual } from "../command/manual.ts";
import { readOwn, type Subcommand } from "../command/subcommand.ts";

export const man: Subcommand = {
  usage: "",
  description: "the manual; ipcdump man | man -l -",
  flags: {},
  run: async (words, all) => {
    readOwn("man", words, {}, false);
    return { text: manual(manifest.version, all) };
  },
};
