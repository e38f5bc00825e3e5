/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Processes as they are made, for filters that take descendants too. */
#include "process.h"
#include <bpf/bpf_tracing.h>

ANCHOR(struct, fork_record);

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(process_fork__any, struct task_struct *parent, struct task_struct *child)
{
	struct fork_record *record;
	int tgid = BPF_CORE_READ(child, tgid);

	/* a thread is no process of its own */
	if (tgid != BPF_CORE_READ(child, pid))
		return 0;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		/* whoever it was is not followed: that may be any number of events */
		count_lost(KIND_UNKNOWN, LOST_RING_FULL, 1);
		return 0;
	}
	record->type = RECORD_FORK;
	record->reserved = 0;
	record->parent = BPF_CORE_READ(parent, tgid);
	record->child = tgid;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}
