/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What is done in a signal's handler, where no JavaScript can be: when Bun can't go on, the last words are ours, and who
 * sent a SIGINT is noted before Bun's own handler has it. ffi/handlers.ts puts them in.
 */
#ifndef HANDLERS_H
#define HANDLERS_H
#include "call.h"

#define STDERR 2
#define FAILED 1
/* of those that Bun may end by, the highest is SIGSEGV, 11 */
#define FAULTS 12
/* si_code of what the kernel itself sends, as for Ctrl-C */
#define SI_KERNEL 0x80

/* the kernel's struct termios, which is how that of a libc begins */
#define TCSETS 0x5402

/* si_signo, si_errno and si_code are where every signal has them */
struct info {
	int number, error, code;
};

/* ffi/handlers.ts knows it as well */
struct handlers {
	void (*on_fault)(int, struct info *, void *);
	void (*on_interrupt)(int, struct info *, void *);
	void (*next)(int, struct info *, void *); /* Bun's handler of SIGINT */
	volatile unsigned long interrupts; /* another number whenever somebody sent one, no terminal */
	struct {
		unsigned length;
		char text[252];
	} words[FAULTS]; /* by signal */
	struct {
		int fd;
		unsigned length; /* of what is written to it; 0 for no terminal */
		char text[32];
		char state[64];
	} terminal; /* one that has to be as it was before; ffi/keyboard.ts */
};

static struct handlers *handlers_in_use;

static void on_fault(int signal, struct info *info, void *context)
{
	(void)info, (void)context;
	if (handlers_in_use->terminal.length > 0) {
		call(WRITE, handlers_in_use->terminal.fd, (long)handlers_in_use->terminal.text, handlers_in_use->terminal.length);
		call(IOCTL, handlers_in_use->terminal.fd, TCSETS, (long)handlers_in_use->terminal.state);
	}
	if (signal < FAULTS)
		call(WRITE, STDERR, (long)handlers_in_use->words[signal].text, handlers_in_use->words[signal].length);
	leave(FAILED);
}

static void on_interrupt(int signal, struct info *info, void *context)
{
	if (info->code != SI_KERNEL)
		handlers_in_use->interrupts++;
	handlers_in_use->next(signal, info, context);
}

static inline void offer(struct handlers *handlers)
{
	handlers_in_use = handlers;
	handlers->on_fault = on_fault;
	handlers->on_interrupt = on_interrupt;
}

#endif
