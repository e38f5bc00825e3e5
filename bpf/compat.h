/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What the kernel renamed, one helper each; BTF is asked, never the version. */
#ifndef COMPAT_H
#define COMPAT_H
#include "vmlinux.h"
#include "read.h"
#include <bpf/bpf_helpers.h>

/* iov_iter.type became iter_type in 5.14: 8cd54c1c8480 ("iov_iter: separate direction from flavour") */
static __always_inline u32 iter_kind(struct iov_iter *iter)
{
	struct iov_iter___old *old = (void *)iter;

	if (bpf_core_field_exists(iter->iter_type))
		return BPF_CORE_READ(iter, iter_type);
	/* bit 0 is the direction, bit 1 ITER_BVEC_FLAG_NO_REF */
	return BPF_CORE_READ(old, type) & ~3u;
}

/* 6.0: fcb14cb1bdac ("new iov_iter flavour - ITER_UBUF") */
static __always_inline bool iter_is_ubuf(u32 kind)
{
	return bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	       kind == bpf_core_enum_value(enum iter_type, ITER_UBUF);
}

static __always_inline bool iter_is_iovec(u32 kind)
{
	return kind == bpf_core_enum_value(enum iter_type, ITER_IOVEC);
}

/* iov became __iov in 6.4: de4f5fed3f23 ("iov_iter: add iter_iovec() helper") */
static __always_inline const struct iovec *iter_segments(struct iov_iter *iter)
{
	struct iov_iter___old *old = (void *)iter;

	if (bpf_core_field_exists(iter->__iov))
		return BPF_CORE_READ(iter, __iov);
	return BPF_CORE_READ(old, iov);
}

/* 5.14: 2f064a59a11f ("sched: Change task_struct::state") */
static __always_inline bool is_asleep(struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state);
	return BPF_CORE_READ((struct task_struct___state *)task, state);
}

/* 6.15: 633488947ef6 ("kernfs: Use RCU to access kernfs_node::parent.") */
static __always_inline struct kernfs_node *node_parent(struct kernfs_node *node)
{
	struct kernfs_node___old *old = (void *)node;

	if (bpf_core_field_exists(node->__parent))
		return BPF_CORE_READ(node, __parent);
	return BPF_CORE_READ(old, parent);
}

#endif
