import { Csv } from "./csv.ts";
import type { Format, FormatChoice } from "./format.ts";
import { Json } from "./json.ts";
import { Pcapng } from "./pcapng.ts";
import { Text } from "./text.ts";

export type { Format, FormatChoice } from "./format.ts";

/** Every format by its name; the values of --format are these keys. */
export const formats = {
  text: (choice: FormatChoice = {}) => new Text(choice),
  json: (choice: FormatChoice = {}) => new Json(choice),
  csv: (choice: FormatChoice = {}) => new Csv(choice),
  pcapng: ({ carried = new Map(), tells = false }: FormatChoice = {}) => new Pcapng(carried, tells),
} satisfies Record<string, (choice?: FormatChoice) => Format>;

export type FormatName = keyof typeof formats;
