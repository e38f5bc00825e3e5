/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What is received over TCP: by the numbers that the kernel gives to bytes, which both ends of a connection share. */
#ifndef TCP_RECEIVE_H
#define TCP_RECEIVE_H
#include "calls.h"
#include "count.h"
#include "family.h"
#include "flow.h"
#include "piece.h"
#include "position.h"

/* Whether a socket is where what another one sends arrives: what it waits for next is among what that has sent last */
static __always_inline bool continues(struct sock *sk, struct sock *peer)
{
	struct tcp_sock *sender = (void *)sk, *receiver = (void *)peer;
	u32 next = BPF_CORE_READ(receiver, rcv_nxt);

	return !is_before(next, BPF_CORE_READ(sender, snd_una)) &&
	       !is_before(BPF_CORE_READ(sender, write_seq), next);
}

/* Whether they are the two ends of one connection; closed since, maybe, until the memory serves another */
static __always_inline bool are_connected(struct sock *sk, struct sock *peer)
{
	return is_inet(peer, IPPROTO_TCP) && continues(sk, peer) && continues(peer, sk);
}

/* The number of the connection towards a socket, as that has it. A function of its own, for its frame to lie beside others */
__noinline u64 channel_towards(u64 socket)
{
	struct flow flow = {};

	flow_of((void *)socket, &flow);
	return channel_of(&flow);
}

/* The socket that was seen in use with this end, if it is connected to another one; NULL: it is not */
static __always_inline struct sock *peer_with(const struct end *end, u64 socket)
{
	u64 *other = bpf_map_lookup_elem(&tcp_ends, end);
	struct sock *peer;

	if (!other || *other == socket)
		return NULL;
	peer = (void *)*other;
	return sock_net(peer) == end->net && are_connected((void *)socket, peer) ? peer : NULL;
}

/*
 * The same as the sender has it, where NAT has changed an address: what he sent before this socket was seen in use is
 * known by that. 0: there it is the same, or he is not known
 */
__noinline u64 channel_translated(u64 socket)
{
	struct flow flow = {};
	struct end end = {};
	struct sock *peer;

	if (!has_traced(FAMILY_LOOPBACK))
		return 0;
	flow_of((void *)socket, &flow);
	turn(&flow);
	if (bpf_map_lookup_elem(&flows, &flow))
		return 0;
	end_of(&flow, false, &end);
	peer = peer_with(&end, socket);
	if (!peer) {
		end_of(&flow, true, &end);
		peer = peer_with(&end, socket);
	}
	if (!peer)
		return 0;
	flow_of(peer, &flow);
	turn(&flow);
	return channel_of(&flow);
}

/*
 * A process took from a TCP socket what begins at a number; unsure: if it is the only one that does. A function of its
 * own, for frames of two callers
 */
__noinline int note_tcp(u64 socket, u64 task, u32 start, u32 count, u32 unsure)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);
	struct tcp_sock *tcp = (void *)socket;
	struct identity self = {};
	u64 translated;
	bool is_new, unclear;

	if (!owner || !count || !has_traced(FAMILY_LOOPBACK))
		return 0;
	identify((void *)task, &self);
	unclear = unsure && *(volatile u32 *)&owner->receiver != self.who.tgid;
	if (!unclear) {
		is_new = note_reader(owner, &self, start, count);
		if (!is_told(owner, sock_file((void *)socket), is_new, start,
			     BPF_CORE_READ(tcp, rcv_nxt)))
			return 0;
	}
	tell_receive(channel_towards(socket), owner->inode, start, count, &self, unclear);
	translated = channel_translated(socket);
	if (translated)
		tell_receive(translated, owner->inode, start, count, &self, unclear);
	return 0;
}

/* A process received from a TCP socket what was not noted as it was copied; unsure: another's may be behind it by now */
static __always_inline void tcp_consumed(u64 socket, u64 task, u32 count, u32 unsure)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);
	struct tcp_sock *tcp = (void *)socket;

	if (owner)
		note_process(&owner->receiver, BPF_CORE_READ((struct task_struct *)task, tgid));
	note_tcp(socket, task, BPF_CORE_READ(tcp, copied_seq) - count, count, unsure);
}

/* What is in a buffer is copied to the current process, which has its TCP socket to itself meanwhile */
__noinline int loopback_copied(u64 socket, u64 buffer, u32 length)
{
	struct ongoing *ongoing = current_ongoing();
	struct sock *sk = (void *)socket;
	struct tcp_sock *tcp = (void *)socket;
	u64 task = bpf_get_current_task();
	struct owner *owner;
	bool is_left;
	u32 start;

	if (!has_traced(FAMILY_LOOPBACK) || !ongoing || !length || !is_inet(sk, IPPROTO_TCP))
		return 0;
	owner = owner_begun(sk, sock_inode(sk), INET_PEER);
	if (!owner)
		return 0;
	note_process(&owner->receiver, bpf_get_current_pid_tgid() >> 32);
	if (ends_unseen(ongoing))
		return 0;
	start = BPF_CORE_READ(tcp, copied_seq);
	/* a request that only looks goes on, and what it has copied is there still */
	is_left = ongoing->piece_count && ongoing->piece_start == start;
	note_tcp(socket, task, ongoing->piece_start, settle_piece(owner, ongoing, is_left), false);
	find_failed(owner, start, 0);
	begin_piece(owner, ongoing, start, 0, start, length);
	if (!may_fail(ongoing))
		note_tcp(socket, task, start, settle_piece(owner, ongoing, false), false);
	return 0;
}

/* The current call received from a TCP socket, so many bytes in all; noted as they were copied, but for what was spliced */
__noinline int tcp_consumed_by_call(u64 socket, s64 result)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);
	struct ongoing *ongoing = current_ongoing();
	struct tcp_sock *tcp = (void *)socket;
	u64 task = bpf_get_current_task();
	bool is_left;
	u32 count;

	if (!owner || !ongoing || !has_traced(FAMILY_LOOPBACK))
		return 0;
	count = consumed_by(ongoing, (void *)socket, result);
	if (!ongoing->taken) {
		tcp_consumed(socket, task, count, ongoing->number == BY_REQUEST);
		return 0;
	}
	is_left = (result < 0 || count < ongoing->taken) &&
		  BPF_CORE_READ(tcp, copied_seq) == ongoing->piece_start;
	count = settle_piece(owner, ongoing, is_left);
	note_tcp(socket, task, ongoing->piece_start, count, false);
	return 0;
}

#endif
