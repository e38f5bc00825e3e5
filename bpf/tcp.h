/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * TCP: a receiver is the socket with the reversed 4-tuple in the same network namespace, if that was
 * seen in use; until then who listens at the port.
 */
#ifndef TCP_H
#define TCP_H
#include "inet_send.h"
#include "tcp_receive.h"

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

/*
 * The socket at the other end of a connection whose addresses NAT has changed on its way, if that is the one with this
 * end: that of the connecting process is the same for both mostly, and sequence numbers are.
 */
__noinline int find_translated(u64 socket, u32 via_uring, u32 is_remote)
{
	struct inet_send *send = bpf_map_lookup_elem(&inet_sends, &via_uring);
	struct end end = {};
	struct sock *peer;

	if (!send || !has_traced(FAMILY_LOOPBACK))
		return 0;
	end_of(&send->flow, !is_remote, &end);
	end.is_remote = is_remote;
	peer = peer_with(&end, socket);
	if (!peer)
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
		send->come = BPF_CORE_READ((struct tcp_sock *)sk, write_seq);
		send->position = send->come - send->message.count;
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
