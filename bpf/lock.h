/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A lock made of additions: bpf_spin_lock is refused in raw tracepoints, and what returns the old value is not
 * in 5.10. A caller that reads back its own 1 and nothing else has it, as an addition by another one after that makes
 * it more. Two at once may both find 2, and try again.
 */
#ifndef LOCK_H
#define LOCK_H
#include "repeat.h"

static __always_inline bool grab(u32 *lock)
{
	volatile u32 *now = lock;

	if (*now) {
		/* takes its time: the holder's processor may be a hypervisor's to give */
		bpf_ktime_get_ns();
		return false;
	}
	__sync_fetch_and_add(lock, 1);
	if (*now == 1)
		return true;
	__sync_fetch_and_add(lock, -1);
	return false;
}

static __always_inline void release(u32 *lock)
{
	__sync_fetch_and_add(lock, -1);
}

#endif
