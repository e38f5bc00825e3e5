/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What every thread does to give up its capabilities, which the kernel keeps for each by itself: it is
 * called as a signal handler, so that also threads which Bun made and never tells of come by. Whoever
 * maps this code puts at `given` what is to be kept.
 *
 * Freestanding, and position-independent: a page of its own, no libraries.
 */
#include "call.h"

#define PR_SET_NO_NEW_PRIVS 38
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_CLEAR_ALL 4
#define PR_CAPBSET_DROP 24
#define CAPABILITIES 64

/* struct __user_cap_header_struct and twice struct __user_cap_data_struct, for the thread that asks */
struct given {
	unsigned version, pid;
	unsigned sets[6];
};
extern const struct given given __attribute__((visibility("hidden")));

/* Nothing can be done about what fails: /proc tells what each thread has in the end */
void drop(int signal)
{
	(void)signal;
	for (long capability = 0; capability < CAPABILITIES; capability++)
		call(PRCTL, PR_CAPBSET_DROP, capability, 0);
	call(PRCTL, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);
	call(PRCTL, PR_SET_NO_NEW_PRIVS, 1, 0);
	call(CAPSET, (long)&given.version, (long)given.sets, 0);
}
