/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Reads of kernel memory, by BPF_CORE_READ and its kin. Each was a call of bpf_probe_read_kernel, and those were
 * most of what a program cost; where the kernel can check a plain load (a bad address reads as 0, as
 * there), it is one.
 */
#ifndef READ_H
#define READ_H
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Only says what is at an address: the verifier makes a move of it */
extern void *bpf_rdonly_cast(const void *address, u32 type) __ksym __weak;

/* 6.4, and later than bpf_rdonly_cast: 6018e1f407cc ("bpf: implement numbers iterator") */
struct bpf_iter_num {
	u64 opaque;
};

/* Any structure of whole words would do: what is loaded is a number to the verifier, never a pointer */
struct timespec64 {
	long tv_sec;
	long tv_nsec;
};

#define CAN_LOAD bpf_core_type_exists(struct bpf_iter_num)

typedef u64 __attribute__((may_alias)) word64;
typedef u32 __attribute__((may_alias)) word32;
typedef u16 __attribute__((may_alias)) word16;
typedef u8 __attribute__((may_alias)) word8;

static __always_inline void load(void *to, u32 size, const void *from)
{
	const void *words;

	if (!CAN_LOAD || (size != 16 && size != 8 && size != 4 && size != 2 && size != 1)) {
		bpf_probe_read_kernel(to, size, from);
		return;
	}
	words = bpf_rdonly_cast(from, bpf_core_type_id_kernel(struct timespec64));
	if (size == 16) {
		((word64 *)to)[0] = ((const word64 *)words)[0];
		((word64 *)to)[1] = ((const word64 *)words)[1];
	} else if (size == 8) {
		*(word64 *)to = *(const word64 *)words;
	} else if (size == 4) {
		*(word32 *)to = *(const word32 *)words;
	} else if (size == 2) {
		*(word16 *)to = *(const word16 *)words;
	} else {
		*(word8 *)to = *(const word8 *)words;
	}
}

#undef bpf_core_read
#define bpf_core_read(to, size, from)                                                              \
	load(to, size, (const void *)__builtin_preserve_access_index(from))

#endif
