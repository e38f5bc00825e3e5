import { release } from "node:os";

const [major = 0, minor = 0] = release().split(".").map(Number);

/** Before Linux 5.11 what maps take counts as locked memory, whose limit only this one lifts. */
const countsLocked = major < 5 || (major === 5 && minor < 11);

/** Before Linux 5.19 it takes CAP_BPF to look into a map, unless everybody may use BPF. */
export const readsMapsFreely = major > 5 || (major === 5 && minor >= 19);

/** The numbers of the capabilities that are enough to trace. */
export const CAPABILITIES: Readonly<Record<string, number>> = {
  CAP_SYS_PTRACE: 19,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
  ...(countsLocked ? { CAP_SYS_RESOURCE: 24 } : {}),
};
