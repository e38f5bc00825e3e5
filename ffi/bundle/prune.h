#ifndef PRUNE_H
#define PRUNE_H
#include <linux/bpf.h>

/* Arrays that are changed in place; of the last two, whose elements begin with the number of an instruction, 0 or more */
struct code {
	struct bpf_insn *insns;
	__u32 count;
	void *functions;
	__u32 function_size, function_count;
	void *lines;
	__u32 line_size, line_count;
};

/* What is at an offset of a map's value, by its descriptor; NULL unless it never changes and has that many bytes */
typedef const void *(*constant_fn)(void *context, int map, __u64 offset, __u32 size);

/* Takes out what can't run. What it does not understand it leaves as it is */
void prune(struct code *code, constant_fn constant, void *context) __attribute__((visibility("hidden")));

#endif
