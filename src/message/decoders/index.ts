import type { Protocol } from "../protocol.ts";
import { http } from "./http.ts";

/** All decoders, in the order in which they are asked whose the first bytes are. */
export const protocols: readonly Protocol[] = [http];

/** Those of these names. */
export function decodersOf(names: readonly string[]): readonly Protocol[] {
  return protocols.filter(({ name }) => names.includes(name));
}
