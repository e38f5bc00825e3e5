/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What a look at all open files says of a socket, or of a side of a terminal: written to an iterator's file. */
#ifndef HOLDER_H
#define HOLDER_H
#include "event.h"

struct holder_record {
	u64 inode; /* of a socket; 0: a terminal */
	u32 tgid;  /* who has it open, as our pid namespace counts */
	s32 index; /* of the terminal whose master it is; ~index: its slave */
};

#endif
