import type { ColorChoice } from "./flags.ts";

/** Whether text is to be coloured. @param terminal whether the events go to one */
export function isColored(
  choice: ColorChoice,
  terminal: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  if (choice !== "auto") return choice === "always";
  const { NO_COLOR: refused = "", TERM: type } = environment;
  return terminal && refused === "" && type !== "dumb";
}
