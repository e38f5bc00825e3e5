/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * TCP: a receiver is the socket with the reversed 4-tuple in the same network namespace, if that was
 * seen in use; until then who listens at the port.
 */
#ifndef TCP_H
#define TCP_H
#include "calls.h"
#include "count.h"
#include "family.h"
#include "inet_send.h"
#include "position.h"

#define TCP_CLOSE 7
#define TCP_LISTEN 10

/* A process uses a socket. A function of its own, for its frame is not to lie below report_inet_send's */
__noinline int on_inet_sock_used(u64 socket, u64 task, s32 fd)
{
	struct sock *sk = (void *)socket;
	struct identity self = {};
	struct flow flow = {};
	struct end end = {};
	u64 value = socket;

	if (!is_loopback(sk))
		return 0;
	identify((void *)task, &self);
	if (!sock_used(sk, sock_inode(sk), INET_PEER, &self, fd, false) || !is_tcp(sk))
		return 0;
	flow_of(sk, &flow);
	if (!flow.remote_port)
		return 0;
	bpf_map_update_elem(&flows, &flow, &value, BPF_ANY);
	end_of(&flow, false, &end);
	bpf_map_update_elem(&tcp_ends, &end, &value, BPF_ANY);
	end_of(&flow, true, &end);
	bpf_map_update_elem(&tcp_ends, &end, &value, BPF_ANY);
	return 0;
}

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
		note_receiver(&owner->receiver, BPF_CORE_READ((struct task_struct *)task, tgid));
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
	note_receiver(&owner->receiver, bpf_get_current_pid_tgid() >> 32);
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

/*
 * The socket at the other end of a connection whose addresses NAT has changed on its way, if that is the one with this
 * end: that of the connecting process is the same for both mostly, and sequence numbers are.
 */
__noinline int find_translated(u64 socket, u32 via_uring, u32 is_remote)
{
	struct inet_send *send = bpf_map_lookup_elem(&inet_sends, &via_uring);
	struct sock *sk = (void *)socket, *peer;
	struct end end = {};
	u64 *other;

	if (!send || !has_traced(FAMILY_LOOPBACK))
		return 0;
	end_of(&send->flow, !is_remote, &end);
	end.is_remote = is_remote;
	other = bpf_map_lookup_elem(&tcp_ends, &end);
	if (!other || *other == socket)
		return 0;
	peer = (void *)*other;
	if (sock_net(peer) != send->flow.net || !are_connected(sk, peer))
		return 0;
	send->other = (u64)peer;
	flow_of(peer, &send->theirs);
	/* another one's memory is that of the connection's own other end by now, which was not seen in use yet */
	if (same_flow(&send->theirs, &send->reversed))
		return 1;
	if (is_remote)
		note_nat(send, send->theirs.local, send->theirs.local_port);
	else
		note_nat(send, send->theirs.remote, send->theirs.remote_port);
	return 1;
}

/* Who listens at the port a connection was made to, which nobody has accepted yet */
static __always_inline void find_listener(struct inet_send *send)
{
	struct port port = {.net = send->flow.net, .number = send->flow.remote_port};
	u64 *known = bpf_map_lookup_elem(&listeners, &port);
	struct sock *listener;

	if (!known)
		return;
	listener = (void *)*known;
	if (BPF_CORE_READ(listener, __sk_common.skc_state) != TCP_LISTEN ||
	    BPF_CORE_READ(listener, __sk_common.skc_num) != port.number ||
	    sock_net(listener) != port.net)
		return;
	send->listener = holder_of(listener, sock_inode(listener), INET_PEER);
}

/* The bytes of one call or message over TCP; true: to be reported */
static __always_inline bool send_tcp(struct sock *sk, struct inet_send *send, u32 via_uring)
{
	u64 *other;

	if (!traces(KIND_LOOPBACK_TCP) || !send->message.count)
		return false;
	send->kind = KIND_LOOPBACK_TCP;
	flow_of(sk, &send->flow);
	reverse(&send->flow, &send->reversed);
	other = bpf_map_lookup_elem(&flows, &send->reversed);
	if (other) {
		struct sock *peer = (void *)*other;
		u8 state = BPF_CORE_READ(peer, __sk_common.skc_state);

		/* its memory may serve another socket by now */
		flow_of(peer, &send->theirs);
		if (same_flow(&send->theirs, &send->reversed) && state != TCP_LISTEN &&
		    (state != TCP_CLOSE || are_connected(sk, peer)))
			send->other = *other;
	}
	/* MPTCP has numbers of its own, by which nobody is looked for */
	if (is_inet(sk, IPPROTO_TCP)) {
		send->counted = 1;
		send->position =
			BPF_CORE_READ((struct tcp_sock *)sk, write_seq) - send->message.count;
	}
	if (!send->other && is_inet(sk, IPPROTO_TCP) && !find_translated((u64)sk, via_uring, true))
		find_translated((u64)sk, via_uring, false);
	if (send->other && sock_file((void *)send->other))
		return true;
	if (!send->other && !routed_to_loopback(sk))
		return false;
	/* closed, or not accepted yet */
	find_listener(send);
	return true;
}

/* A socket listens */
__noinline int loopback_listens(u64 socket)
{
	struct sock *sk = (void *)socket;
	struct port port = {};
	u64 value = socket;

	if (!has_traced(FAMILY_LOOPBACK) || !is_tcp(sk))
		return 0;
	port.net = sock_net(sk);
	port.number = BPF_CORE_READ(sk, __sk_common.skc_num);
	bpf_map_update_elem(&listeners, &port, &value, BPF_ANY);
	return 0;
}

#endif
