import { Csv } from "./csv.ts";
import type { Format } from "./format.ts";
import { Json } from "./json.ts";
import { Text } from "./text.ts";

export type { Format } from "./format.ts";

/** Every format by its name; the values of --format are these keys. */
export const formats = {
  text: () => new Text(),
  json: () => new Json(),
  csv: () => new Csv(),
} satisfies Record<string, () => Format>;

export type FormatName = keyof typeof formats;
