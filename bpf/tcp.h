/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * TCP: a receiver is the socket with the reversed 4-tuple in the same network namespace, if that was
 * seen in use; until then whoever listens at the port.
 */
#ifndef TCP_H
#define TCP_H
#include "calls.h"
#include "family.h"
#include "parcel.h"

#define TCP_CLOSE 7
#define TCP_LISTEN 10

/* A process uses a socket. A function of its own, for its frame is not to lie below report_parcel's */
__noinline int on_use_of_inet(u64 socket, u64 task)
{
	struct sock *sk = (void *)socket;
	struct identity self = {};
	struct flow flow = {};
	u64 value = socket;

	if (!is_loopback(sk))
		return 0;
	identify((void *)task, &self);
	if (!use(sk, sock_inode(sk), 0, &self, false) || !is_inet(sk, IPPROTO_TCP))
		return 0;
	flow_of(sk, &flow);
	if (flow.remote_port)
		bpf_map_update_elem(&flows, &flow, &value, BPF_ANY);
	return 0;
}

/* Who listens at the port a connection was made to, which nobody has accepted yet */
static __always_inline void find_listener(struct parcel *parcel)
{
	struct port port = {.net = parcel->flow.net, .number = parcel->flow.remote_port};
	u64 *known = bpf_map_lookup_elem(&listeners, &port);
	struct sock *listener;

	if (!known)
		return;
	listener = (void *)*known;
	if (BPF_CORE_READ(listener, __sk_common.skc_state) != TCP_LISTEN ||
	    BPF_CORE_READ(listener, __sk_common.skc_num) != port.number ||
	    sock_net(listener) != port.net)
		return;
	parcel->dst = owner_of(listener, sock_inode(listener), 0);
	if (parcel->dst.tgid)
		parcel->flags |= EVENT_DST_GUESS;
}

/* The bytes of one call or message over TCP; true: to be reported */
static __always_inline bool send_tcp(struct sock *sk, struct parcel *parcel)
{
	u64 *other;

	if (!traces(KIND_LOOPBACK_TCP) || !parcel->message.count)
		return false;
	parcel->kind = KIND_LOOPBACK_TCP;
	flow_of(sk, &parcel->flow);
	reverse(&parcel->flow, &parcel->reversed);
	other = bpf_map_lookup_elem(&flows, &parcel->reversed);
	if (other) {
		struct sock *peer = (void *)*other;
		u8 state = BPF_CORE_READ(peer, __sk_common.skc_state);

		/* its memory may serve another socket by now */
		flow_of(peer, &parcel->theirs);
		if (state != TCP_CLOSE && state != TCP_LISTEN &&
		    same_flow(&parcel->theirs, &parcel->reversed))
			parcel->other = *other;
	}
	if (parcel->other)
		return true;
	if (!routed_to_loopback(sk))
		return false;
	find_listener(parcel);
	return true;
}

/* A socket listens */
__noinline int loopback_listens(u64 socket)
{
	struct sock *sk = (void *)socket;
	struct port port = {};
	u64 value = socket;

	if (!serves(FAMILY_LOOPBACK) || !is_inet(sk, IPPROTO_TCP))
		return 0;
	port.net = sock_net(sk);
	port.number = BPF_CORE_READ(sk, __sk_common.skc_num);
	bpf_map_update_elem(&listeners, &port, &value, BPF_ANY);
	return 0;
}

#endif
