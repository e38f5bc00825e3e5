/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * All kinds of events, by families: the only list of them. From it come enum kind and enum family, what calls.bpf.c
 * asks of whom, and src/kinds/index.ts, which build.ts writes. The programs of a family are in bpf/NAME.bpf.c, what
 * user space has to say of it in src/kinds/NAME.ts, with - for _. With tracepoints it is reached
 *   FILES: by system calls on its files
 *   CALLS: by system calls of its own, of CLASS_QUEUE
 *   HOOKS: by hooks of its own
 */
#ifndef FAMILIES_H
#define FAMILIES_H

#define FAMILIES(X)                                                                                \
	X(pipe, PIPE, FILES, KIND(PIPE))                                                           \
	X(signal, SIGNAL, HOOKS, KIND(SIGNAL))                                                     \
	X(unix, UNIX, FILES, KIND(UNIX_STREAM) KIND(UNIX_DGRAM) KIND(UNIX_SEQPACKET))              \
	X(loopback, LOOPBACK, FILES, KIND(LOOPBACK_TCP) KIND(LOOPBACK_UDP))                        \
	X(pty, PTY, FILES, KIND(PTY))                                                              \
	X(mq, MQ, CALLS, KIND(MQ))                                                                 \
	X(sysv_mq, SYSV_MQ, CALLS, KIND(SYSV_MQ))

/* Room for them in what is counted by kind */
#define KINDS 16

#define MEMBERS(name, NAME, way, kinds) kinds
#define KIND(name) KIND_##name,
enum kind { KIND_UNKNOWN, FAMILIES(MEMBERS) };
#undef KIND
#undef MEMBERS

/* By the kinds in it, so that a set of them is a mask */
#define MASK(name, NAME, way, kinds) FAMILY_##NAME = 0 kinds,
#define KIND(name) | 1 << KIND_##name
enum family { FAMILY_NONE, FAMILIES(MASK) };
#undef KIND
#undef MASK

#endif
