/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Loops. Where the kernel has iterators the verifier goes through the body once or twice, without them once a
 * round: that was most of the time ipcdump took to start.
 */
#ifndef REPEAT_H
#define REPEAT_H
#include "read.h"

/* 6.11; numbers came earlier, but up to 6.6 the verifier did not always see that a loop changes nothing */
struct bpf_iter_bits {
	u64 opaque[2];
};

#define CAN_ITERATE bpf_core_type_exists(struct bpf_iter_bits)

/*
 * Evaluates `more` until it is false, at most `rounds` times; `i` is the number of the round. Without the
 * barrier clang carries the first round's values into the loop and enters it in the middle, which
 * kernels up to 6.1 refuse ("back-edge").
 */
#define repeat_while(i, rounds, more)                                                              \
	do {                                                                                       \
		u32 i;                                                                             \
		if (CAN_ITERATE) {                                                                 \
			bpf_for(i, 0, rounds) if (!(more)) break;                                  \
			break;                                                                     \
		}                                                                                  \
		for (i = 0; i < (rounds); i++) {                                                   \
			barrier();                                                                 \
			if (!(more))                                                               \
				break;                                                             \
		}                                                                                  \
	} while (0)

#endif
