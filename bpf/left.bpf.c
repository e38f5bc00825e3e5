/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What cmd and its descendants leave unread as they end, by whatever: a look at their descriptors, which they have
 * still. Who ends last of those that have it tells of it.
 */
#include "ledger.h"
#include "look.h"
#include "owner.h"
#include <bpf/bpf_tracing.h>

#define LEFT_DESCRIPTORS 256

ANCHOR(struct, left_record);

struct parting {
	u64 task;
	u64 files; /* the array of its open files */
	u32 count;
	u32 fd;
	struct left_record record;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct parting);
} partings SEC(".maps");

/* Whose bytes are in a pipe, by its ledger */
static __always_inline void name_writers(struct left_record *record, u64 pipe)
{
	struct ledger *ledger = bpf_map_lookup_elem(&ledgers, &pipe);

	if (!ledger || ledger->inode != record->descriptor.inode)
		return;
	if (!ledger->count && ledger->writers) {
		record->from[0] = ledger->writer;
		return;
	}
	for (u32 i = 0; i < LEFT_WRITERS; i++) {
		if (i < ledger->count)
			record->from[i] = ledger->runs[(ledger->first + i) & (RUNS - 1)].who;
	}
}

static __always_inline bool is_left(struct left_record *record)
{
	struct descriptor_record *descriptor = &record->descriptor;

	if (!descriptor->queued || !(descriptor->mode & MODE_READ))
		return false;
	switch (descriptor->of) {
	case OF_PIPE:
		name_writers(record, descriptor->object);
		return true;
	case OF_UNIX: {
		struct owner *owner = bpf_map_lookup_elem(&owners, &descriptor->peer);

		if (owner)
			record->from[0] = owner->who;
		return descriptor->type == SOCK_STREAM;
	}
	case OF_INET:
		return descriptor->protocol == IPPROTO_TCP && descriptor->state != TCP_LISTENS;
	default:
		return false;
	}
}

/* Looks at one descriptor; 0: there are no more. A function of its own, to be verified once */
__noinline int look_on(u32 zero)
{
	struct parting *parting = bpf_map_lookup_elem(&partings, &zero);
	struct left_record *record;
	struct file *file = NULL;
	u32 fd;

	if (!parting || parting->fd >= parting->count)
		return 0;
	fd = parting->fd++;
	load(&file, sizeof(file), (void *)(parting->files + (u64)fd * sizeof(file)));
	if (!file || !is_held_once(file))
		return 1;
	record = &parting->record;
	__builtin_memset(record->from, 0, sizeof(record->from));
	if (look_at(&record->descriptor, (void *)parting->task, fd, file) && is_left(record) &&
	    bpf_ringbuf_output(&ring, record, sizeof(*record), BPF_RB_NO_WAKEUP))
		count_lost(KIND_UNKNOWN, LOST_RING_FULL, 1);
	return 1;
}

static __always_inline int on_process_end(struct task_struct *task)
{
	u32 zero = 0, tgid = bpf_get_current_pid_tgid() >> 32;
	u32 pid = thread_here((u64)BPF_CORE_READ(task, group_leader), tgid);
	struct member *member = bpf_map_lookup_elem(&chosen_pids, &pid);
	struct parting *parting = bpf_map_lookup_elem(&partings, &zero);
	struct identity self = {};
	struct fdtable *table;

	if (!member || !(member->groups & GROUP_COMMAND) || !parting ||
	    BPF_CORE_READ(task, signal, live.counter))
		return 0;
	table = BPF_CORE_READ(task, files, fdt);
	identify(task, &self);
	announce(&self);
	parting->task = (u64)task;
	parting->files = (u64)BPF_CORE_READ(table, fd);
	parting->count = BPF_CORE_READ(table, max_fds);
	parting->fd = 0;
	parting->record.type = RECORD_LEFT;
	parting->record.reserved = 0;
	parting->record.who = self.who;
	repeat_while(i, LEFT_DESCRIPTORS, look_on(0));
	return 0;
}

/* Its last thread ends: before it lets go of its files */
SEC("?tp_btf/sched_process_exit")
int BPF_PROG(process_exit__any, struct task_struct *task)
{
	return on_process_end((void *)bpf_get_current_task());
}

/* see hook.h */
SEC("?tp/sched/sched_process_exit")
int process_exit__any__perf(void *event)
{
	return on_process_end((void *)bpf_get_current_task());
}
