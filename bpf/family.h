/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Which family of kinds a file is of interest to. */
#ifndef FAMILY_H
#define FAMILY_H
#include "socket.h"

#define S_IFCHR 0020000
#define TTY_MAJOR 5 /* 5:0 is /dev/tty, 5:2 is /dev/ptmx */
#define PTY_SLAVE_MAJOR 136
#define PTY_SLAVE_MAJORS 8
#define TIOCSTI 0x5412
#define UDP_CORK 1
#define F_SETPIPE_SZ 1031

/* Whether any of these families is traced by system calls: known at load, so the verifier drops what is for others */
static __always_inline bool serves(u32 families)
{
	return config.calls & families;
}

/* Whether any of these families is traced, by whatever hooks */
static __always_inline bool has_traced(u32 families)
{
	return config.kinds & families;
}

/* Whether functions are hooked for it (functions.bpf.c) */
static __always_inline bool by_functions(u32 families)
{
	return config.kinds & ~config.calls & families;
}

static __always_inline bool is_terminal(struct inode *inode)
{
	u32 major = BPF_CORE_READ(inode, i_rdev) >> 20;

	return major == TTY_MAJOR || major - PTY_SLAVE_MAJOR < PTY_SLAVE_MAJORS;
}

/* Of what a file is; `socket` is the one behind it, if there is one */
static __always_inline enum family family_of(struct file *file, u64 *socket)
{
	struct inode *inode;
	struct sock *sk;

	if (!file)
		return FAMILY_NONE;
	inode = BPF_CORE_READ(file, f_inode);
	switch (BPF_CORE_READ(inode, i_mode) & S_IFMT) {
	case S_IFIFO:
		return serves(FAMILY_PIPE) ? FAMILY_PIPE : FAMILY_NONE;
	case S_IFSOCK:
		if (!serves(FAMILY_UNIX | FAMILY_LOOPBACK))
			return FAMILY_NONE;
		sk = sock_of_file(file);
		*socket = (u64)sk;
		if (is_unix(sk))
			return serves(FAMILY_UNIX) ? FAMILY_UNIX : FAMILY_NONE;
		return serves(FAMILY_LOOPBACK) && is_loopback(sk) ? FAMILY_LOOPBACK : FAMILY_NONE;
	case S_IFCHR:
		if (!serves(FAMILY_PTY))
			return FAMILY_NONE;
		return is_terminal(inode) ? FAMILY_PTY : FAMILY_NONE;
	}
	return FAMILY_NONE;
}

#endif
