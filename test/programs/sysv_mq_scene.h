/* A scene of four around one System V message queue. */
#pragma once
#include "actor.h"
#include <sys/ipc.h>
#include <sys/msg.h>

struct letter {
	long type;
	char text[8192];
};

static key_t name;
static int queue;
static struct actor *ann, *bob, *cyd, *dan;

static void set_scene(void)
{
	name = 0x1bc00000 + getpid();
	queue = msgget(name, IPC_CREAT | IPC_EXCL | 0600);
	check(queue >= 0, "msgget");
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	dan = cast("dan");
}

static struct letter *letter_of(struct actor *actor)
{
	return (struct letter *)(stage->arena + 65536 * (1 + (actor - stage->actors)));
}

static void begin_send(struct actor *sender, const char *text, long type, int flags)
{
	struct letter *letter = letter_of(sender);

	letter->type = type;
	strcpy(letter->text, text);
	begin(sender, SYS_msgsnd, queue, P(letter), strlen(text), flags);
}

static void send_text(struct actor *sender, const char *text, long type)
{
	begin_send(sender, text, type, 0);
	check(answer(sender) == 0, "msgsnd");
}

static void begin_receive(struct actor *receiver, long size, long type, int flags)
{
	begin(receiver, SYS_msgrcv, queue, P(letter_of(receiver)), size, type, flags);
}

/* What the receiver got has to be this sender's */
static void end_receive(struct actor *sender, struct actor *receiver, enum guess guess)
{
	long count = answer(receiver);
	char meta[128];

	check(count >= 0, "msgrcv");
	snprintf(meta, sizeof(meta), "\"key\":%u,\"id\":%d,\"mtype\":%ld", name, queue,
		 letter_of(receiver)->type);
	say_carried("sysv-mq", sender ? sender->name : "?", receiver->name, meta, letter_of(receiver)->text,
		    count, READ, guess);
}

static void receive(struct actor *sender, struct actor *receiver, long size, long type, int flags)
{
	begin_receive(receiver, size, type, flags);
	end_receive(sender, receiver, SURE);
}
