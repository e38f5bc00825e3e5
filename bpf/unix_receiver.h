/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Who receives a message of a unix socket: the peer, or where a datagram was queued meanwhile. */
#ifndef UNIX_RECEIVER_H
#define UNIX_RECEIVER_H
#include "in_call.h"
#include "unix_send.h"

/* Who got the n-th datagram that the current call delivered, and how much of it: its filter may cut it */
static __always_inline struct sock *delivered(u32 n, u32 *count)
{
	struct in_call *in_call = find_this_call(true);
	u32 length;

	if (!in_call || n >= in_call->count || n >= DELIVERIES)
		return NULL;
	barrier_var(n);
	length = in_call->lengths[n & (DELIVERIES - 1)];
	if (length < *count)
		*count = length;
	return (struct sock *)in_call->socks[n & (DELIVERIES - 1)];
}

/* Whether it is known of each message by itself whether and where it was queued */
static __always_inline bool tells_receivers(u32 call)
{
	return config.unix_deliveries && (config.sends || call != CALL_SENDMMSG);
}

/*
 * The n-th message of a call goes to the address it names, else to the peer; false: to nobody, for the receiver's filter
 * has dropped it.
 */
static __always_inline bool find_receiver(struct unix_send *send, u32 call, u32 n)
{
	struct message *message = &send->message;
	struct sock *peer;

	if (send->type != SOCK_DGRAM || !message->name_length)
		message->name = 0;
	if (send->type == SOCK_DGRAM && (message->name || tells_receivers(call))) {
		send->other = delivered(n, &message->count);
		return send->other || !tells_receivers(call);
	}
	peer = unix_peer(message->sk);
	send->other = peer;
	/* of packets only those to a filter are noted as they are queued */
	return send->type != SOCK_SEQPACKET || !tells_receivers(call) ||
	       !BPF_CORE_READ(peer, sk_filter) ||
	       delivered(n, &message->count);
}

#endif
