import type { Carries, Kind } from "../event.ts";
import { Csv } from "./csv.ts";
import type { Format } from "./format.ts";
import { Json } from "./json.ts";
import { Pcapng } from "./pcapng.ts";
import { Text } from "./text.ts";

export type { Format } from "./format.ts";

/** Every format by its name; the values of --format are these keys. Only text has colours, and csv a column more with --decode. */
export const formats = {
  text: (colored = false) => new Text(colored),
  json: () => new Json(),
  csv: (_colored = false, decodes = false) => new Csv(decodes),
  pcapng: (_colored = false, _decodes = false, carried: Carried = new Map()) => new Pcapng(carried),
} satisfies Record<string, (colored?: boolean, decodes?: boolean, carried?: Carried) => Format>;

/** What the events of each kind carry, in the order of kinds. */
export type Carried = ReadonlyMap<Kind, Carries>;

export type FormatName = keyof typeof formats;
