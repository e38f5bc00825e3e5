/** Channels, both ends open here: doctor's children inherit one end each. */
import { dlopen, FFIType, type Pointer } from "bun:ffi";
import { NativeError } from "./error.ts";
import { close, lastErrno, O, open } from "./libc.ts";
import { pipe } from "./spawn.ts";

const { i32, i64, pointer, u32 } = FFIType;

const { symbols: c } = dlopen("libc.so.6", {
  socketpair: { args: [i32, i32, i32, pointer], returns: i32 }, // int socketpair(int, int, int, int[2])
  socket: { args: [i32, i32, i32], returns: i32 }, // int socket(int, int, int)
  bind: { args: [i32, pointer, u32], returns: i32 }, // int bind(int, const struct sockaddr *, socklen_t)
  listen: { args: [i32, i32], returns: i32 }, // int listen(int, int)
  connect: { args: [i32, pointer, u32], returns: i32 }, // int connect(int, const struct sockaddr *, socklen_t)
  accept4: { args: [i32, pointer, pointer, i32], returns: i32 }, // int accept4(int, struct sockaddr *, socklen_t *, int)
  getsockname: { args: [i32, pointer, pointer], returns: i32 }, // int getsockname(int, struct sockaddr *, socklen_t *)
  ioctl: { args: [i32, i32, pointer], returns: i32 }, // int ioctl(int, unsigned long, ...)
  syscall: { args: [i64, pointer, pointer, pointer, pointer], returns: i64 }, // long syscall(long, ...)
});

const AF_UNIX = 1;
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTN = 0x80045430 | 0;

/** Two descriptors: bytes written to one can be read from the other. Closed on disposal. */
export class Channel implements Disposable {
  constructor(
    readonly writing: number,
    readonly reading: number,
    private readonly others: readonly number[] = [],
  ) {}

  [Symbol.dispose](): void {
    for (const fd of [this.writing, this.reading, ...this.others]) close(fd);
  }
}

/** The channels that kinds try themselves with. Each throws NativeError. */
export const channels = {
  pipe: () => {
    const [reading, writing] = pipe();
    return new Channel(writing, reading);
  },
  unixStream: () => unixPair(SOCK_STREAM),
  unixDgram: () => unixPair(SOCK_DGRAM),
  unixSeqpacket: () => unixPair(SOCK_SEQPACKET),
  loopbackTcp,
  loopbackUdp,
  terminal,
  /** The result of a system call whose arguments are numbers or bytes. */
  call: (number: number, what: string, ...args: (number | Uint8Array)[]) => {
    const [first = null, second = null, third = null, fourth = null] = args as (Pointer | Uint8Array)[];
    return checked(Number(c.syscall(number, first, second, third, fourth)), "make", what);
  },
};

export type Channels = typeof channels;

function checked(result: number, operation: string, what: string): number {
  if (result < 0) throw new NativeError(operation, what, lastErrno());
  return result;
}

function unixPair(type: number): Channel {
  const ends = new Int32Array(2);
  checked(c.socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), "make", "a pair of unix sockets");
  return new Channel(ends[0]!, ends[1]!);
}

/** struct sockaddr_in of 127.0.0.1, port 0 */
function localhost(): Uint8Array {
  const address = new Uint8Array(16);
  address[0] = AF_INET;
  address.set([127, 0, 0, 1], 4);
  return address;
}

/** A socket bound to a free port of 127.0.0.1, and its address with that port. */
function bound(type: number): { fd: number; address: Uint8Array } {
  const fd = checked(c.socket(AF_INET, type | SOCK_CLOEXEC, 0), "make", "a socket");
  const address = localhost();
  checked(c.bind(fd, address, address.length), "bind to", "127.0.0.1");
  checked(c.getsockname(fd, address, new Uint32Array([address.length])), "name", "a socket");
  return { fd, address };
}

function loopbackTcp(): Channel {
  const { fd: listener, address } = bound(SOCK_STREAM);
  checked(c.listen(listener, 1), "listen on", "127.0.0.1");
  const writing = checked(c.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "make", "a socket");
  checked(c.connect(writing, address, address.length), "connect to", "127.0.0.1");
  const reading = checked(c.accept4(listener, null, null, SOCK_CLOEXEC), "accept on", "127.0.0.1");
  close(listener);
  return new Channel(writing, reading);
}

function loopbackUdp(): Channel {
  const { fd: reading, address } = bound(SOCK_DGRAM);
  const writing = checked(c.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "make", "a socket");
  checked(c.connect(writing, address, address.length), "connect to", "127.0.0.1");
  return new Channel(writing, reading);
}

/** From the slave of a new pseudoterminal to its master. */
function terminal(): Channel {
  const master = open("/dev/ptmx", O.RDWR | O.NOCTTY);
  if (master < 0) throw new NativeError("open", "/dev/ptmx", master);
  const number = new Int32Array(1);
  checked(c.ioctl(master, TIOCSPTLCK, number), "unlock", "a pseudoterminal");
  checked(c.ioctl(master, TIOCGPTN, number), "name", "a pseudoterminal");
  const slave = open(`/dev/pts/${number[0]}`, O.RDWR | O.NOCTTY);
  if (slave < 0) throw new NativeError("open", `/dev/pts/${number[0]}`, slave);
  return new Channel(slave, master);
}
