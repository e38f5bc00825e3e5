/** All kinds, in the order they are named and printed. */
import type { KindModule } from "./kind.ts";
import { loopbackTcp, loopbackUdp } from "./loopback.ts";
import { pipe } from "./pipe.ts";
import { pty } from "./pty.ts";
import { signal } from "./signal.ts";
import { unixDgram, unixSeqpacket, unixStream } from "./unix.ts";

export const kinds: readonly KindModule[] = [
  pipe,
  signal,
  unixStream,
  unixDgram,
  unixSeqpacket,
  loopbackTcp,
  loopbackUdp,
  pty,
];
