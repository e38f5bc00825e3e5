/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Names that are patterns. All of them together are one automaton of up to 64 states, a bit each: n of a
 * pattern's elements are matched. User space makes it (src/filter/automaton.ts); a name takes one look-up a byte.
 */
#ifndef GLOBS_H
#define GLOBS_H
#include "emit.h"

enum globs {
	GLOBS_THERE = 1,
	/* a byte above 127 may be part of a character, which only user space tells */
	GLOBS_WIDE = 2,
	/* there are more patterns than have room */
	GLOBS_MORE = 4,
};

/* In which states a byte is the next element */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u64);
} comm_globs __weak SEC(".maps");

/* bit of GROUPS_UNKNOWN */
#define GLOB_DOUBT 32

/* The groups whose patterns a name is like, which comes as two words. Global, for its states not to multiply */
__weak __noinline int groups_by_glob(u64 low, u64 high)
{
	u64 states = config.glob_first;
	int groups = config.globs & GLOBS_MORE ? GLOB_DOUBT : 0;

	for (u32 i = 0; i < COMM_LENGTH; i++) {
		u32 byte = low & 0xff;
		u64 *takers;

		barrier();
		if (!byte)
			break;
		takers = bpf_map_lookup_elem(&comm_globs, &byte);
		if (!takers)
			break;
		if (byte > 127 && config.globs & GLOBS_WIDE)
			groups |= GLOB_DOUBT;
		states = (states & *takers) << 1 | (states & config.glob_loops);
		low = low >> 8 | high << 56;
		high >>= 8;
	}
	for (u32 i = 0; i < GROUP_BITS; i++) {
		barrier();
		if (states & config.glob_accepts[i])
			groups |= 1 << i;
	}
	return groups;
}

#endif
