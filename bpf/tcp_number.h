/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The numbers that TCP itself counts by. */
#ifndef TCP_NUMBER_H
#define TCP_NUMBER_H
#include "socket.h"

/* The number of the first byte that came, or is to come, over a connection */
static __always_inline u32 first_over_tcp(struct tcp_sock *tcp)
{
	return BPF_CORE_READ(tcp, rcv_nxt) - (u32)BPF_CORE_READ(tcp, bytes_received);
}

/* Behind the last byte that has come over a connection; 0: there is none yet */
static __always_inline u32 come_over_tcp(struct tcp_sock *tcp)
{
	u32 next = BPF_CORE_READ(tcp, rcv_nxt);

	/* the end of a direction has a number as well */
	return BPF_CORE_READ((struct sock *)tcp, sk_shutdown) & RCV_SHUTDOWN ? next - 1 : next;
}

#endif
