/* What registers hold as far as that is a number, or where something is in a map: one instruction after the other. */
#include "known.h"
#include <string.h>

static void forget(struct value *value)
{
	memset(value, 0, sizeof(*value));
}

/* What an operation makes of two numbers; false: that is not known here */
static int compute(int operation, int bits, __u64 a, __u64 b, __u64 *result)
{
	__u64 mask = bits - 1;

	switch (operation) {
	case BPF_MOV: *result = b; break;
	case BPF_ADD: *result = a + b; break;
	case BPF_SUB: *result = a - b; break;
	case BPF_MUL: *result = a * b; break;
	case BPF_OR: *result = a | b; break;
	case BPF_AND: *result = a & b; break;
	case BPF_XOR: *result = a ^ b; break;
	case BPF_LSH: *result = a << (b & mask); break;
	case BPF_RSH: *result = (bits == 32 ? (__u32)a : a) >> (b & mask); break;
	default: return 0;
	}
	if (bits == 32)
		*result = (__u32)*result;
	return 1;
}

static void calculate(const struct bpf_insn *insn, struct state *state)
{
	int operation = BPF_OP(insn->code), bits = BPF_CLASS(insn->code) == BPF_ALU ? 32 : 64;
	struct value operand = {NUMBER, 0, (__s64)insn->imm};
	struct value *to = &state->registers[insn->dst_reg];

	if (BPF_SRC(insn->code) == BPF_X)
		operand = state->registers[insn->src_reg];
	if (insn->off || operand.what == UNKNOWN) {
		forget(to);
	} else if (operation == BPF_MOV && bits == 64) {
		*to = operand;
	} else if (operation == BPF_ADD && bits == 64 && to->what == ADDRESS && operand.what == NUMBER) {
		to->number += operand.number;
	} else if (operand.what != NUMBER || (operation != BPF_MOV && to->what != NUMBER) ||
		   !compute(operation, bits, to->number, operand.number, &to->number)) {
		forget(to);
	} else {
		to->what = NUMBER;
		to->map = 0;
	}
}

static void load(const struct bpf_insn *insn, struct state *state, constant_fn constant, void *context)
{
	static const int sizes[] = {4, 2, 1, 8}; /* BPF_W, BPF_H, BPF_B, BPF_DW */
	const struct value from = state->registers[insn->src_reg];
	struct value *to = &state->registers[insn->dst_reg];
	int size = sizes[BPF_SIZE(insn->code) >> 3];
	const void *bytes;

	forget(to);
	if (from.what != ADDRESS || BPF_MODE(insn->code) != BPF_MEM)
		return;
	bytes = constant(context, from.map, from.number + insn->off, size);
	if (!bytes)
		return;
	memcpy(&to->number, bytes, size); /* both processors have the low byte first */
	to->what = NUMBER;
}

void known_after(const struct bpf_insn *insn, struct state *state, constant_fn constant, void *context)
{
	struct value *to = &state->registers[insn->dst_reg < REGISTERS ? insn->dst_reg : 0];
	int i;

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		forget(to);
		if (is_wide(insn) && (!insn->src_reg || insn->src_reg == BPF_PSEUDO_MAP_VALUE)) {
			to->what = insn->src_reg ? ADDRESS : NUMBER;
			to->map = insn->src_reg ? insn->imm : 0;
			to->number = insn->src_reg ? (__u64)(__s64)insn[1].imm
						   : (__u32)insn->imm | (__u64)(__u32)insn[1].imm << 32;
		}
		break;
	case BPF_LDX:
		if (insn->src_reg < REGISTERS)
			load(insn, state, constant, context);
		else
			forget(to);
		break;
	case BPF_STX:
		/* what was there before may be given back in either */
		if (BPF_MODE(insn->code) == BPF_ATOMIC) {
			forget(&state->registers[0]);
			forget(&state->registers[insn->src_reg < REGISTERS ? insn->src_reg : 0]);
		}
		break;
	case BPF_ALU:
	case BPF_ALU64:
		if (insn->dst_reg < REGISTERS && (BPF_SRC(insn->code) == BPF_K || insn->src_reg < REGISTERS))
			calculate(insn, state);
		else
			forget(to);
		break;
	case BPF_JMP:
		if (BPF_OP(insn->code) == BPF_CALL)
			for (i = 0; i <= 5; i++)
				forget(&state->registers[i]);
		break;
	}
}

int is_taken(const struct bpf_insn *insn, const struct state *state)
{
	int is_short = BPF_CLASS(insn->code) == BPF_JMP32;
	__u64 a, b = (__s64)insn->imm;
	__s64 x, y;

	if (is_always(insn))
		return 1;
	if (insn->dst_reg >= REGISTERS || state->registers[insn->dst_reg].what != NUMBER)
		return -1;
	a = state->registers[insn->dst_reg].number;
	if (BPF_SRC(insn->code) == BPF_X) {
		if (insn->src_reg >= REGISTERS || state->registers[insn->src_reg].what != NUMBER)
			return -1;
		b = state->registers[insn->src_reg].number;
	}
	x = is_short ? (__s32)a : (__s64)a;
	y = is_short ? (__s32)b : (__s64)b;
	if (is_short) {
		a = (__u32)a;
		b = (__u32)b;
	}
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSET: return (a & b) != 0;
	case BPF_JSGT: return x > y;
	case BPF_JSGE: return x >= y;
	case BPF_JSLT: return x < y;
	case BPF_JSLE: return x <= y;
	}
	return -1;
}
