/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What sockets give to those who receive, at the moment when a buffer is copied: its socket is locked then, so
 * however many receive at once, this is the order in which they did. Their calls return in any order.
 */
#include "calls.h"
#include "hook.h"
#include "position.h"

static __always_inline int on_copy(u32 length)
{
	struct ongoing *ongoing = current_ongoing();

	if (!ongoing || only_looks(ongoing))
		return 0;
	switch (ongoing->from_family) {
	case FAMILY_UNIX:
		return unix_copied((u64)sock_of_file((struct file *)ongoing->from), length);
	case FAMILY_LOOPBACK:
		return loopback_copied((u64)sock_of_file((struct file *)ongoing->from), length);
	default:
		return 0;
	}
}

ON_SOCKET_COPY(copies_out__any, on_copy)
