/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Counts of bytes and messages, which wrap. */
#ifndef COUNT_H
#define COUNT_H
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

static __always_inline bool is_before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

#endif
