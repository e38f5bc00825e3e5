/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Who has which socket or side of a terminal open now: for those never seen in use. An iterator over the open files of
 * all processes, which user space runs whenever it asks; /proc tells the same at fifteen times the cost.
 */
#include "family.h"
#include "holder.h"
#include "tty.h"
#include <bpf/bpf_tracing.h>

ANCHOR(struct, holder_record);
ANCHOR(struct, rename_record);

SEC("?iter/task_file")
int holders_open__any(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct holder_record record = {};
	struct tty_struct *tty;
	struct inode *inode;

	if (!task || !file)
		return 0;
	inode = BPF_CORE_READ(file, f_inode);
	switch (BPF_CORE_READ(inode, i_mode) & S_IFMT) {
	case S_IFSOCK:
		record.inode = BPF_CORE_READ(inode, i_ino);
		break;
	case S_IFCHR:
		tty = is_terminal(inode) ? tty_of(file) : NULL;
		if (!tty)
			return 0;
		record.index = BPF_CORE_READ(tty, index);
		if (!is_master(tty))
			record.index = ~record.index;
		break;
	default:
		return 0;
	}
	record.tgid =
		thread_here((u64)BPF_CORE_READ(task, group_leader), BPF_CORE_READ(task, tgid));
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

/* Who is looked up after an event had this name when it happened; of threads nobody is named */
SEC("?tp_btf/task_rename")
int BPF_PROG(holders_renamed__any, struct task_struct *task)
{
	u32 tgid = BPF_CORE_READ(task, tgid), pid = thread_here(scalar(task), tgid);
	struct rename_record *record;

	if (tgid != (u32)BPF_CORE_READ(task, pid) || !pid)
		return 0;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		/* who is looked up after this may have the name that he took here before it */
		count_lost(KIND_UNKNOWN, LOST_RING_FULL, 1);
		return 0;
	}
	record->type = RECORD_RENAME;
	record->pid = pid;
	record->time = bpf_ktime_get_boot_ns();
	BPF_CORE_READ_INTO(&record->comm, task, comm);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}
