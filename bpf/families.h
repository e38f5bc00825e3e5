/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * All kinds of events, by families: the only list of them. From it come enum kind and enum family, what calls.h asks
 * of whom, and src/kinds/index.ts, which build.ts writes. The programs of a family are in bpf/NAME.bpf.c, what
 * user space has to say of it in src/kinds/NAME.ts, with - for _. With tracepoints it is reached
 *   PIPES: by system calls on its files, as they begin and as they return
 *   SOCKETS: by those on its sockets, and by what comes out of them
 *   FILES: by those on its files, when they have moved something
 *   CALLS: by system calls of its own, of CLASS_QUEUE
 *   HOOKS: by hooks of its own
 */
#ifndef FAMILIES_H
#define FAMILIES_H

#define FAMILIES(X)                                                                                \
	X(pipe, PIPE, PIPES, KIND(PIPE))                                                           \
	X(signal, SIGNAL, HOOKS, KIND(SIGNAL))                                                     \
	X(unix, UNIX, SOCKETS, KIND(UNIX_STREAM) KIND(UNIX_DGRAM) KIND(UNIX_SEQPACKET))            \
	X(loopback, LOOPBACK, SOCKETS, KIND(LOOPBACK_TCP) KIND(LOOPBACK_UDP))                      \
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

/* Those that are reached in one way */
enum way { WAY_PIPES, WAY_SOCKETS, WAY_FILES, WAY_CALLS, WAY_HOOKS };

#define IN_WAY(name, NAME, way, kinds) | (WAY_##way == wanted ? FAMILY_##NAME : 0)
static inline __attribute__((always_inline)) unsigned int families_by(enum way wanted)
{
	return 0 FAMILIES(IN_WAY);
}
#undef IN_WAY

#endif
