/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Receives by requests of io_uring, as the buffer is copied to who receives: its socket is locked then. No call says
 * which socket that is, but the buffer does. Where the kernel tells how such a receive has ended (6.3) it is looked at as a
 * call's. Elsewhere that is known when its request completes, which may be in another order than what was taken: so of a
 * stream that requests of several processes take from nobody can say who has which of it.
 */
#ifndef URING_RECEIVE_H
#define URING_RECEIVE_H
#include "family.h"
#include "in_call.h"
#include "ongoing.h"
#include "owner.h"

#define SEVERAL (~0U)
#define MUTEX_FLAGS 7

/* A process receives, or sends; `only` is who alone does so far, or SEVERAL */
static __always_inline void note_process(u32 *only, u32 tgid)
{
	u32 known = *(volatile u32 *)only;

	if (known != tgid && known != SEVERAL)
		*(volatile u32 *)only = known ? SEVERAL : tgid;
}

/* Whether the current thread puts requests through a ring, or does those of one that does */
static __always_inline bool has_ring(void)
{
	struct task_struct *current = (void *)bpf_get_current_task();

	if (BPF_CORE_READ(current, flags) & PF_IO_WORKER)
		return true;
	return bpf_core_field_exists(current->io_uring) && BPF_CORE_READ(current, io_uring);
}

/* Whether the buffers of a unix socket tell that they are its own: all are of the one peer, whose are no others' */
static __always_inline bool is_paired(struct sock *sk)
{
	struct sock *peer = unix_peer(sk);

	return peer && unix_peer(peer) == sk;
}

/* The task that has a unix socket to itself, to receive from it; 0: none, or it is not known */
static __always_inline u64 holder_of_lock(struct sock *sk)
{
	struct unix_sock *socket = (void *)sk;

	if (!bpf_core_field_exists(socket->iolock.owner))
		return 0;
	return BPF_CORE_READ(socket, iolock.owner.counter) & ~(u64)MUTEX_FLAGS;
}

static __always_inline bool has_locked(struct sock *sk)
{
	return holder_of_lock(sk) == bpf_get_current_task();
}

/* The unix socket that receives from another; NULL: not known for sure */
static __always_inline struct sock *receiver_from(struct sock *sender, struct sk_buff *skb)
{
	struct sock *peer = unix_peer(sender), *sk;

	if (BPF_CORE_READ(sender, sk_type) != SOCK_STREAM)
		return is_paired(sender) && has_locked(peer) ? peer : NULL;
	if (peer)
		return peer;
	/* it is closed: the first buffer in a queue lies behind the queue's head */
	sk = (void *)BPF_CORE_READ(skb, prev) -
	     bpf_core_field_offset(struct sock, sk_receive_queue);
	return is_unix(sk) && unix_peer(sk) == sender ? sk : NULL;
}

/* The socket from which a request of the current thread receives a buffer; NULL: none of ours, or one that is not known */
static __always_inline struct sock *socket_of_buffer(struct sk_buff *skb)
{
	struct sock *owner = BPF_CORE_READ(skb, sk), *sk;

	if (!owner)
		return NULL;
	if (!is_unix(owner))
		return serves(FAMILY_LOOPBACK) && is_inet(owner, IPPROTO_TCP) ? owner : NULL;
	if (!serves(FAMILY_UNIX))
		return NULL;
	sk = receiver_from(owner, skb);
	if (!sk)
		note_process(&shared.unplaced, bpf_get_current_pid_tgid() >> 32);
	return sk;
}

/* Up to 5.11 workers are threads of the kernel, and do not say for whom they work */
static __always_inline bool is_for_another(const struct ongoing *ongoing)
{
	struct task_struct *current = (void *)bpf_get_current_task();

	return ongoing->number == BY_REQUEST && BPF_CORE_READ(current, flags) & PF_KTHREAD;
}

/* Whether what is received now is a request's of which it is not told how that has ended until it completes */
static __always_inline bool ends_unseen(const struct ongoing *ongoing)
{
	return ongoing->number == BY_REQUEST && !config.receives;
}

/* A request of the current thread receives from a socket, as a call would; NULL: there is no room */
static __always_inline struct ongoing *begin_request(struct sock *sk)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct ongoing *ongoing;

	ongoing = begin_receive(thread, BY_REQUEST, CALL_RECVFROM, sock_file(sk),
				is_unix(sk) ? FAMILY_UNIX : FAMILY_LOOPBACK);
	if (ongoing)
		ongoing->argument[3] = 0; /* flags */
	return ongoing;
}

#endif
