/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A look at everything that processes can communicate by, as it is now: for `ipcdump map` and `ipcdump why`, and for
 * what is left unread. It costs some microseconds a process, where /proc takes a hundred.
 */
#include "look.h"
#include <bpf/bpf_tracing.h>

ANCHOR(struct, descriptor_record);
ANCHOR(enum, descriptor_of);
ANCHOR(enum, descriptor_mode);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct descriptor_record);
} descriptor_scratch SEC(".maps");

SEC("?iter/task_file")
int descriptors_open__any(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct descriptor_record *out;
	u32 zero = 0;

	if (!task || !file)
		return 0;
	out = bpf_map_lookup_elem(&descriptor_scratch, &zero);
	if (out && look_at(out, task, ctx->fd, file))
		bpf_seq_write(ctx->meta->seq, out, sizeof(*out));
	return 0;
}
