/** All kinds, in the order they are named and printed. */
import type { KindModule } from "../kind.ts";
import { pipe } from "./pipe.ts";
import { signal } from "./signal.ts";

export const kinds: readonly KindModule[] = [pipe, signal];
