/** The system calls that a thread can sleep in for another process: numbers of x86-64 and of arm64. */

export type CallName = keyof typeof table;

/** null: the processor has no such call */
const table = {
  read: [0, 63],
  write: [1, 64],
  poll: [7, null],
  pread64: [17, 67],
  readv: [19, 65],
  writev: [20, 66],
  select: [23, null],
  pause: [34, null],
  nanosleep: [35, 101],
  sendfile: [40, 71],
  connect: [42, 203],
  accept: [43, 202],
  sendto: [44, 206],
  recvfrom: [45, 207],
  sendmsg: [46, 211],
  recvmsg: [47, 212],
  open: [2, null],
  ioctl: [16, 29],
  wait4: [61, 260],
  semop: [65, 193],
  msgsnd: [69, 189],
  msgrcv: [70, 188],
  fcntl: [72, 25],
  flock: [73, 32],
  rt_sigtimedwait: [128, 137],
  rt_sigsuspend: [130, 133],
  futex: [202, 98],
  io_getevents: [208, 4],
  restart_syscall: [219, 128],
  semtimedop: [220, 192],
  clock_nanosleep: [230, 115],
  epoll_wait: [232, null],
  mq_timedsend: [242, 182],
  mq_timedreceive: [243, 183],
  waitid: [247, 95],
  openat: [257, 56],
  pselect6: [270, 72],
  ppoll: [271, 73],
  splice: [275, 76],
  tee: [276, 77],
  vmsplice: [278, 75],
  epoll_pwait: [281, 22],
  accept4: [288, 242],
  recvmmsg: [299, 243],
  sendmmsg: [307, 269],
  io_uring_enter: [426, 426],
  epoll_pwait2: [441, 441],
  futex_waitv: [449, 449],
} as const satisfies Record<string, readonly [number | null, number | null]>;

const column = process.arch === "arm64" ? 1 : 0;
const names = new Map(
  (Object.entries(table) as [CallName, readonly [number | null, number | null]][]).map(([name, numbers]) => [
    numbers[column],
    name,
  ]),
);

/** null for a call that nobody sleeps in for another */
export function callName(number: number): CallName | null {
  return names.get(number) ?? null;
}
