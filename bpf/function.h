/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Files as the functions have them by which they are given something, and splices into them. */
#ifndef FUNCTION_H
#define FUNCTION_H
#include "calls.h"
#include "compat.h"
#include "family.h"
#include "functions.h"
#include <bpf/bpf_tracing.h>

#define PIECES 8192

/* What a splice or sendfile that a thread is in has sent so far */
struct pieces {
	u64 file;
	u64 sum;
	u32 family;
	u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PIECES);
	__type(key, u32);
	__type(value, struct pieces);
} pieces_under_way __weak SEC(".maps");

/* Of what a socket is that functions tell of */
static __always_inline enum family family_of_sock(struct sock *sk)
{
	if (is_unix(sk))
		return by_functions(FAMILY_UNIX) ? FAMILY_UNIX : FAMILY_NONE;
	return by_functions(FAMILY_LOOPBACK) && is_loopback(sk) ? FAMILY_LOOPBACK : FAMILY_NONE;
}

/* The same of a file */
static __always_inline enum family family_by_functions(struct file *file, u64 *socket)
{
	struct inode *inode;
	struct sock *sk;

	if (!file)
		return FAMILY_NONE;
	inode = BPF_CORE_READ(file, f_inode);
	switch (BPF_CORE_READ(inode, i_mode) & S_IFMT) {
	case S_IFSOCK:
		sk = sock_of_file(file);
		*socket = (u64)sk;
		return family_of_sock(sk);
	case S_IFCHR:
		return by_functions(FAMILY_PTY) && is_terminal(inode) ? FAMILY_PTY : FAMILY_NONE;
	}
	return FAMILY_NONE;
}

/* The same of a struct socket; the kernel's own, which no process has open, are none */
static __always_inline enum family family_of_socket(struct socket *socket, u64 *sock)
{
	struct sock *sk = BPF_CORE_READ(socket, sk);

	*sock = (u64)sk;
	return sk && BPF_CORE_READ(socket, file) ? family_of_sock(sk) : FAMILY_NONE;
}

/* Whether these bytes are a part of what the current thread's splice or sendfile gives to a file */
static __always_inline bool is_piece(u64 file, s64 count)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct pieces *pieces = bpf_map_lookup_elem(&pieces_under_way, &thread);

	if (!pieces || pieces->file != file)
		return false;
	if (count > 0)
		pieces->sum += count;
	return true;
}

static __always_inline bool is_in_user_memory(struct iov_iter *iter)
{
	u32 kind = iter_kind(iter);

	return iter_is_ubuf(kind) || iter_is_iovec(kind);
}

#endif
