/*
 * Takes out of a program what can't run, before the kernel sees it: what is for kinds, filters and kernels that are
 * not there. By then that hangs on numbers in read-only data and on what CO-RE has put in, so the verifier would find
 * it as well. But it moves the rest of the program for every piece, which was half the time of a start, and before
 * Linux 6.8 it goes through functions that nobody calls.
 */
#include "known.h"
#include "prune.h"
#include <stdlib.h>
#include <string.h>

#define NOWHERE ((__u32)-1)

struct pruning {
	struct code *code;
	constant_fn constant;
	void *context;
	unsigned char *leads;  /* something jumps to this instruction, or calls it */
	unsigned char *stays;  /* it may run */
	unsigned char *waits;
	struct state **states; /* with what those that lead are reached */
	__u32 *waiting, count;
	int failed;
};

static __u32 after(const struct bpf_insn *insn, __u32 at)
{
	return at + (is_wide(insn) ? 2 : 1);
}

/* Where the function is that an instruction calls or names */
static __u32 function_of(const struct bpf_insn *insn, __u32 at)
{
	if ((insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL) ||
	    (is_wide(insn) && insn->src_reg == BPF_PSEUDO_FUNC))
		return at + 1 + insn->imm;
	return NOWHERE;
}

/* Something comes to an instruction with this in the registers */
static void reach(struct pruning *p, __u32 at, const struct state *with)
{
	int i, is_news = 0;

	if (at >= p->code->count) {
		p->failed = 1;
		return;
	}
	if (!p->states[at]) {
		p->states[at] = malloc(sizeof(*with));
		if (!p->states[at]) {
			p->failed = 1;
			return;
		}
		*p->states[at] = *with;
		is_news = 1;
	}
	for (i = 0; i < REGISTERS; i++) {
		struct value *a = &p->states[at]->registers[i];
		const struct value *b = &with->registers[i];

		if (a->what == UNKNOWN ||
		    (a->what == b->what && a->number == b->number && a->map == b->map))
			continue;
		memset(a, 0, sizeof(*a));
		is_news = 1;
	}
	if (is_news && !p->waits[at]) {
		p->waits[at] = 1;
		p->waiting[p->count++] = at;
	}
}

/* Goes on from where something leads to, up to the next such place */
static void follow(struct pruning *p, __u32 at)
{
	struct state state = *p->states[at], fresh = {0};
	struct bpf_insn *insn;
	__u32 function;
	int taken;

	for (;; at = after(insn, at)) {
		insn = &p->code->insns[at];
		function = function_of(insn, at);
		if (function != NOWHERE)
			reach(p, function, &fresh);
		if (is_jump(insn)) {
			taken = is_taken(insn, &state);
			if (taken)
				reach(p, at + 1 + insn->off, &state);
			if (taken == 1)
				return;
		} else if (insn->code == (BPF_JMP | BPF_EXIT)) {
			return;
		}
		known_after(insn, &state, p->constant, p->context);
		if (after(insn, at) >= p->code->count)
			p->failed = 1;
		else if (p->leads[after(insn, at)])
			reach(p, after(insn, at), &state);
		else
			continue;
		return;
	}
}

/* The same way once more, when all is known: what is on it stays, and jumps that always or never happen are none */
static void settle(struct pruning *p, __u32 at)
{
	struct state state = *p->states[at];
	struct bpf_insn *insn;
	int taken;

	do {
		insn = &p->code->insns[at];
		p->stays[at] = 1;
		if (is_jump(insn)) {
			taken = is_taken(insn, &state);
			if (taken == 0)
				p->stays[at] = 0;
			if (taken == 1) {
				*insn = (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = insn->off};
				return;
			}
		} else if (insn->code == (BPF_JMP | BPF_EXIT)) {
			return;
		}
		if (is_wide(insn))
			p->stays[at + 1] = 1;
		known_after(insn, &state, p->constant, p->context);
		at = after(insn, at);
	} while (!p->leads[at]);
}

/* Renumbers what begins with the number of an instruction; of several for the same one the last is its own */
static __u32 renumber(void *records, __u32 size, __u32 count, const __u32 *places, __u32 end)
{
	char *to = records, *from = records;
	__u32 kept = 0, last = NOWHERE;

	for (; count--; from += size) {
		__u32 place = places[*(__u32 *)from];

		if (place == end)
			continue;
		if (place == last)
			kept--;
		last = place;
		memmove(to + kept * size, from, size);
		*(__u32 *)(to + kept++ * size) = place;
	}
	return kept;
}

/* Moves together what stays */
static void compact(struct pruning *p, __u32 *places)
{
	struct code *code = p->code;
	struct bpf_insn *insns = code->insns, *insn;
	__u32 count = code->count, next = count, kept = 0, at, function;

	/* where each instruction that goes leads to: the next that stays; a jump to there goes as well */
	places[count] = count;
	for (at = count; at--;) {
		insn = &insns[at];
		places[at] = next;
		if (!p->stays[at])
			continue;
		if (is_always(insn) && insn->off >= 0 && places[at + 1 + insn->off] == next)
			p->stays[at] = 0;
		else
			places[at] = next = at;
	}
	for (at = 0; at < count; at++)
		p->waiting[at] = p->stays[at] ? kept++ : NOWHERE;
	for (at = 0; at < count; at++)
		places[at] = places[at] == count ? kept : p->waiting[places[at]];
	for (at = 0; at < count; at++) {
		insn = &insns[at];
		if (!p->stays[at])
			continue;
		function = function_of(insn, at);
		if (function != NOWHERE)
			insn->imm = places[function] - places[at] - 1;
		else if (is_jump(insn))
			insn->off = places[at + 1 + insn->off] - places[at] - 1;
		insns[places[at]] = *insn;
		if (is_wide(insn)) {
			insns[places[at] + 1] = insn[1];
			at++;
		}
	}
	code->count = kept;
}

/* Where something leads to; false: there is a kind of jump that is not understood here */
static int find_leads(struct pruning *p)
{
	__u32 at, function;

	p->leads[0] = 1;
	for (at = 0; at < p->code->count; at = after(&p->code->insns[at], at)) {
		const struct bpf_insn *insn = &p->code->insns[at];
		__u32 target = at + 1 + insn->off;

		function = function_of(insn, at);
		if (insn->code == (BPF_JMP32 | BPF_JA) || (is_jump(insn) && target >= p->code->count) ||
		    (function != NOWHERE && function >= p->code->count))
			return 0;
		if (is_jump(insn))
			p->leads[target] = 1;
		if (function != NOWHERE)
			p->leads[function] = 1;
	}
	return at == p->code->count;
}

void prune(struct code *code, constant_fn constant, void *context)
{
	__u32 count = code->count, at, *places = calloc(count + 1, sizeof(*places));
	struct pruning p = {code, constant, context};
	struct state fresh = {0};

	p.leads = calloc(3, count + 1);
	p.states = calloc(count + 1, sizeof(*p.states));
	p.waiting = calloc(count + 1, sizeof(*p.waiting));
	if (!count || !places || !p.leads || !p.states || !p.waiting)
		goto out;
	p.stays = p.leads + count + 1;
	p.waits = p.stays + count + 1;
	if (!find_leads(&p))
		goto out;
	reach(&p, 0, &fresh);
	while (p.count && !p.failed) {
		at = p.waiting[--p.count];
		p.waits[at] = 0;
		follow(&p, at);
	}
	if (p.failed)
		goto out;
	for (at = 0; at < count; at++)
		if (p.states[at])
			settle(&p, at);
	compact(&p, places);
	code->function_count =
		renumber(code->functions, code->function_size, code->function_count, places, code->count);
	code->line_count = renumber(code->lines, code->line_size, code->line_count, places, code->count);
out:
	for (at = 0; p.states && at < count; at++)
		free(p.states[at]);
	free(places);
	free(p.leads);
	free(p.states);
	free(p.waiting);
}
