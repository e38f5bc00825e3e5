/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The ring: reserve, submit, and count what did not fit. */
#ifndef EMIT_H
#define EMIT_H
#include "config.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} ring __weak SEC(".maps");

const volatile struct config config __weak SEC(".rodata.config") = {};
struct shared shared __weak SEC(".bss.shared") = {};

/*
 * Waking the reader is what costs the traced process most: leave it out while the reader drains
 * anyway. Forced otherwise, for the kernel's own rule looks at the first unread record only, and
 * that may be one that did not wake.
 */
static __always_inline u64 wakeup(void)
{
	return *(volatile u32 *)&shared.awake ? BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP;
}

static __always_inline void count_lost(enum kind kind, enum lost_reason reason, u64 events)
{
	__sync_fetch_and_add(&shared.lost[kind & (KINDS - 1)][reason], events);
}

#endif
