/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What sockets give to those who receive, at the moment when a buffer is copied: its socket is locked then, so
 * however many receive at once, this is the order in which they did. Their calls return in any order.
 */
#include "aio.h"
#include "calls.h"
#include "hook.h"
#include "position.h"

#define COPIED(name, NAME, way, kinds) ASK(NAME, way, SOCKETS, name##_copied(sk, buffer, length))
/*
 * Whether a receive that began before its function was hooked is over: nobody saw its return, and its thread is in a
 * call about another file by now.
 */
static __always_inline bool is_over(const struct ongoing *ongoing)
{
	return ongoing->number == BY_FUNCTION && ongoing->argument[0] &&
	       (u64)file_of(argument(current_regs(), 0, in_compat_call())) != ongoing->from;
}

static __always_inline int on_copied(const struct ongoing *ongoing, u64 buffer, u32 length)
{
	u64 sk = (u64)sock_of_file((struct file *)ongoing->from);

	switch (ongoing->from_family) {
		FAMILIES(COPIED)
	default:
		return 0;
	}
}

/* The current thread is in no call that is known to receive; NULL, or what is known of its last request that did */
static __always_inline int on_copy_by_request(struct ongoing *ongoing, u64 buffer, u32 length)
{
	struct sock *sk;

	if (!serves(families_by(WAY_SOCKETS)) || !(ongoing || has_ring()))
		return 0;
	shared.requests = 1;
	sk = socket_of_buffer((void *)buffer);
	if (!sk)
		return 0;
	if (!ongoing || sock_of_file((struct file *)ongoing->from) != sk)
		ongoing = begin_request(sk);
	if (!ongoing || only_looks(ongoing))
		return 0;
	on_copied(ongoing, buffer, length);
	if (ends_unseen(ongoing))
		end_call(ongoing);
	return 0;
}

static __always_inline int on_copy(const struct sk_buff *skb, u32 length)
{
	struct ongoing *ongoing = current_ongoing();
	u64 buffer = scalar(skb);

	if (!ongoing || ongoing->number == BY_REQUEST)
		return on_copy_by_request(ongoing, buffer, length);
	if (only_looks(ongoing))
		return 0;
	if (is_over(ongoing)) {
		end_call(ongoing);
		return 0;
	}
	if (ongoing->call == CALL_AIO && config.sends && !ongoing->from)
		find_reading(ongoing, 0);
	return on_copied(ongoing, buffer, length);
}

ON_SOCKET_COPY(copies_out__any, on_copy)
