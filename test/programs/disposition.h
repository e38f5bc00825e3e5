/* What an actor does about a signal. */
#pragma once
#include "actor.h"
#include <signal.h>

static inline void heed(int number)
{
	(void)number;
}

static inline long handle(long number)
{
	struct sigaction action = {.sa_handler = heed, .sa_flags = SA_RESTART};

	return sigaction(number, &action, NULL);
}

static inline long ignore(long number)
{
	return signal(number, SIG_IGN) == SIG_ERR;
}
