/* Three processes and their sockets, for all of owner.c. */
#pragma once
#include "unix.h"
#include "ring.h"

static const char *folder = ".";
static int early;
static struct actor *ann, *bob, *cyd;
static struct plug a, b, c;

static void wait_if_early(void)
{
	if (early)
		wait_for_test();
}

static struct name new_name(void)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/owner-%d", folder, getpid());
	return path_name(path);
}

/* A socket of an actor's that listens at a new name. */
static struct plug listen_at_new(struct actor *who, struct name *name)
{
	struct plug listener;

	*name = new_name();
	listener = open_plug(who, AF_UNIX, SOCK_STREAM);
	bind_plug(&listener, name->address, name->length);
	listen_plug(&listener);
	return listener;
}

/* Forks an actor of that actor. */
static long breed(long name)
{
	return P(enter((char *)name));
}

static struct actor *fork_of(struct actor *parent, const char *name)
{
	struct actor *child = (void *)play(parent, breed, name);

	say_role(name, child->pid, name);
	return child;
}
