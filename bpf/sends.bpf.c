/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What a socket was given to send, message by message, by whatever call, in the caller's own context: the count is the
 * kernel's, and a receiver that was told meanwhile is this message's. Since 6.3, 6e6eda44b939 ("sock: add tracepoint
 * for send recv length"). What io_uring sends is reported when its request completes.
 */
#include "aio.h"
#include "calls.h"
#include "family.h"
#include "hook.h"
#include "uring_receive.h"

static __always_inline int on_sock_sent(struct sock *typed, int count)
{
	struct ongoing *ongoing = current_ongoing();
	struct sock *sk = (void *)scalar(typed);

	if (!ongoing || count < 0)
		return 0;
	if (ongoing->call == CALL_AIO)
		find_request(ongoing, (u64)sk);
	else if (!ongoing->to || sock_of_file((struct file *)ongoing->to) != sk)
		return 0;
	if (moves_in_pieces(ongoing->call)) {
		ongoing->messages++;
		ongoing->sent += count;
	} else if (is_unix(sk)) {
		unix_sent((u64)sk, count);
	} else if (is_loopback(sk)) {
		loopback_sent((u64)sk, count);
	}
	return 0;
}

ON_SOCK_SENT(sends_length__any, on_sock_sent)

/* The request of io_uring by which the current thread received from a socket; NULL: it did by a call */
static __always_inline struct ongoing *current_receive(struct ongoing *ongoing, struct sock *sk)
{
	if (ongoing ? ongoing->number != BY_REQUEST : !has_ring())
		return NULL;
	if (ongoing && sock_of_file((struct file *)ongoing->from) == sk)
		return ongoing;
	if (is_unix(sk) ? !serves(FAMILY_UNIX) : !(serves(FAMILY_LOOPBACK) && is_loopback(sk)))
		return NULL;
	/* what it was given was copied elsewhere than usual, or does not tell from where it came */
	return begin_request(sk);
}

/*
 * What requests received, of io_submit(2) and of io_uring; that of all other calls is known as it is copied, and when they
 * return
 */
static __always_inline int on_sock_received(struct sock *typed, int count, int flags)
{
	struct ongoing *ongoing, *receive;
	struct sock *sk = (void *)scalar(typed);

	if (!*(volatile u32 *)&shared.requests)
		return 0;
	ongoing = current_ongoing();
	if (!ongoing && count < 0)
		return 0;
	receive = current_receive(ongoing, sk);
	if (receive) {
		receive->argument[3] = (u32)flags;
		ongoing = receive;
	} else if (!ongoing || ongoing->call != CALL_AIO) {
		return 0;
	}
	if (!ongoing->from)
		find_reading(ongoing, (u64)sk);
	if (ongoing->from && (count >= 0 || ongoing->taken)) {
		if (is_unix(sk))
			unix_received((u64)sk, count);
		else if (is_loopback(sk))
			loopback_received((u64)sk, count);
	}
	if (receive) {
		end_call(receive);
		return 0;
	}
	ongoing->from = 0;
	ongoing->from_family = FAMILY_NONE;
	ongoing->taken = 0;
	ongoing->piece_count = 0;
	return 0;
}

ON_SOCK_RECEIVED(sends_received__any, on_sock_received)
