/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What a look at all open files says of a socket, or of a terminal's master: written to an iterator's file. */
#ifndef HOLDER_H
#define HOLDER_H
#include "event.h"

struct holder_record {
	u64 inode; /* of a socket; 0: a master */
	u32 tgid;  /* who has it open, as our pid namespace counts */
	u32 index; /* of the terminal */
};

#endif
