#ifndef KNOWN_H
#define KNOWN_H
#include "prune.h"

#define REGISTERS 10 /* r10 is the stack, which is not looked into */

struct value {
	enum { UNKNOWN, NUMBER, ADDRESS } what;
	int map; /* an address is in its value, at `number` */
	__u64 number;
};

struct state {
	struct value registers[REGISTERS];
};

#pragma GCC visibility push(hidden)
/* What an instruction does to registers */
void known_after(const struct bpf_insn *insn, struct state *state, constant_fn constant, void *context);

/* Whether a jump is made: 1 always, 0 never, -1 sometimes */
int is_taken(const struct bpf_insn *insn, const struct state *state);
#pragma GCC visibility pop

/* With a condition or without; no call, and no end */
static inline int is_jump(const struct bpf_insn *insn)
{
	int kind = BPF_CLASS(insn->code), operation = BPF_OP(insn->code);

	return (kind == BPF_JMP || kind == BPF_JMP32) && operation != BPF_CALL && operation != BPF_EXIT;
}

static inline int is_always(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_JA);
}

static inline int is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

#endif
