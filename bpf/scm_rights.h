/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Who uses a unix socket, and descriptors on their way over one (SCM_RIGHTS): who receives a socket holds it. */
#ifndef SCM_RIGHTS_H
#define SCM_RIGHTS_H
#include "owner.h"
#include "passed.h"

/* Whether all descriptors of a socket are on their way by SCM_RIGHTS */
static __always_inline bool is_unheld(struct sock *sk)
{
	struct unix_sock *socket = (void *)sk;
	struct unix_sock___inflight *old = (void *)sk;
	struct file *file = BPF_CORE_READ(sk, sk_socket, file);
	u64 passed = 0;

	if (bpf_core_field_exists(socket->vertex)) {
		struct unix_vertex *vertex = BPF_CORE_READ(socket, vertex);

		if (vertex)
			passed = BPF_CORE_READ(vertex, out_degree);
	} else if (bpf_core_field_exists(old->inflight)) {
		passed = BPF_CORE_READ(old, inflight);
	}
	return passed && file && references(file) <= passed;
}

/*
 * A process uses a socket, or has received it by SCM_RIGHTS. A function of its own, for its frame is
 * not to lie below report_unix_send's.
 */
__noinline int on_sock_used(u64 socket, u64 task, s32 fd, u32 received)
{
	struct sock *sk = (void *)socket, *peer;
	struct identity self = {};

	if (!sk)
		return 0;
	peer = is_unix(sk) ? unix_peer(sk) : NULL;
	identify((void *)task, &self);
	sock_used(sk, sock_inode(sk), peer ? sock_inode(peer) : 0, &self, fd, received);
	return 0;
}

static __always_inline bool on_scm_right(u64 header, u64 size, u64 at)
{
	int fd = -1;

	if (at + sizeof(fd) > size || bpf_probe_read_user(&fd, sizeof(fd), (void *)(header + at)))
		return false;
	on_sock_used((u64)sock_of(file_of(fd)), bpf_get_current_task(), fd, true);
	return true;
}

/* The descriptors in one control message at `header` of `size` bytes */
__noinline int on_scm_rights(u64 header, u64 size, u32 head)
{
	if (serves(FAMILY_UNIX))
		repeat_while(i, SCM_MAX_FD,
			     on_scm_right(header, size, head + (u64)i * sizeof(int)));
	return 0;
}

/* The control messages of a message received; those of requests of io_uring in a place of their own */
static __always_inline void on_control(u64 socket, u64 message, bool compat, u32 via_uring)
{
	u64 control = 0, length = 0;

	if (compat) {
		u32 fields[6] = {};

		bpf_probe_read_user(fields, sizeof(fields), (void *)message);
		control = fields[4];
		length = fields[5];
	} else {
		u64 fields[6] = {};

		bpf_probe_read_user(fields, sizeof(fields), (void *)message);
		control = fields[4];
		length = fields[5];
	}
	for (int i = 0; i < 4; i++) {
		u64 size = 0, kind = 0;
		u32 head = compat ? 12 : 16;

		if (length < head)
			return;
		bpf_probe_read_user(&size, compat ? 4 : 8, (void *)control);
		bpf_probe_read_user(&kind, sizeof(kind), (void *)(control + (compat ? 4 : 8)));
		if (size < head || size > length)
			return;
		if (kind == ((u64)SCM_RIGHTS << 32 | SOL_SOCKET)) {
			on_scm_rights(control, size, head);
			rights_received(socket, control + head, size - head, via_uring);
		}
		size = (size + (compat ? 3 : 7)) & ~(compat ? 3ULL : 7ULL);
		if (size > length)
			return;
		control += size;
		length -= size;
	}
}

/* The control messages of the n-th message of a vector. A function of its own for the verifier to go through it once */
__noinline int on_controls(u64 socket, u64 vector, u32 n, u32 compat)
{
	if (serves(FAMILY_UNIX))
		on_control(socket, message_at(vector, n, compat), compat, false);
	return 0;
}

static __always_inline bool on_controls_of(u64 socket, u64 vector, u32 n, u32 count, u32 compat)
{
	if (n >= count)
		return false;
	on_controls(socket, vector, n, compat);
	return true;
}

#endif
