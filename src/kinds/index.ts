import type { Kind } from "../event.ts";

/** The kinds this version traces, with the other words `-t` takes for each. */
export const kinds: { name: Kind; aliases: string[] }[] = [
  { name: "pipe", aliases: ["p"] },
  { name: "signal", aliases: ["k", "kill"] },
];
