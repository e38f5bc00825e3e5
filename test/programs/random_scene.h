/* What players and the director of random.c share: jobs, and the log of what was sent and who received it. */
#pragma once
#include "actor.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

enum {
	PLAYERS = 4096,
	MESSAGES = 1 << 16,
	RECEIPTS = 1 << 17,
	NAMINGS = 1 << 14,
	SOCKETS = 1 << 14
};
/* The number by which a player finds the shared memory, also after exec. Descriptors of channels are below. */
enum { SCENE_FD = 250, MAILBOX_FD = 200, PASSED = 4, BATCH = 3 };
/* What everything is sent in: a unit tells whose message it is part of, and which. */
enum { UNIT = 8, LARGEST = 4096, ROOM = 1 << 14 };

enum kind { PIPE, UNIX_STREAM, UNIX_DGRAM, UNIX_SEQPACKET, TCP, UDP, PTY, KINDS };
static const char *const kind_names[KINDS] = {
	"pipe",		"unix-stream",	"unix-dgram", "unix-seqpacket",
	"loopback-tcp", "loopback-udp", "pty"};

struct unit {
	uint16_t salt;
	uint8_t id[3], number[3];
};

enum work {
	NOTHING,
	SEND,	  /* count messages from id on, of size bytes each */
	TAKE,	  /* one call */
	OPEN,	  /* both ends of a pair, or what listens */
	OPEN_END, /* one of the FIFO id: to read, or to write with `other` */
	CONNECT,  /* to address */
	ACCEPT,	  /* of fd */
	ASK,	  /* connects, sends, takes the answer, closes */
	SERVE,	  /* accepts, takes, answers, closes */
	HAND,	  /* accepts and passes that on to address, in message id */
	ADOPT,	  /* receives what is passed, takes from it, answers by message id, closes */
	PASS,	  /* fds to address, in message id */
	RECEIVE,  /* fds */
	FORK,	  /* player `other` */
	EXEC,
	MOVE, /* dup2 to `other`, then closes fd */
	CLOSE,
	CLOSE_RANGE, /* fd to other */
	CLOEXEC,
	LEAVE,
};

struct job {
	enum work work;
	enum kind kind;
	int fd, other, count, id, size;
	/* by which call, see the player's tables */
	unsigned how;
	int in_thread, in_child;
	int fds[PASSED];
	/* of the socket to connect or send to; its length 0: it is connected */
	struct sockaddr_storage address;
	socklen_t length;
	/* whose pending bytes or messages these are */
	int object;
};

struct player {
	pid_t pid;
	_Atomic uint32_t state;
	int generation;
	struct job job;
	/* a descriptor or another number; -errno */
	long result;
	int fds[PASSED];
	/* where others reach what was opened; the peer's of what was accepted */
	struct sockaddr_storage address;
	socklen_t length;
};

struct message {
	pid_t pid;
	char name[16];
	enum kind kind;
	int operation, size;
	/* the FIFO it went through; 0: none */
	int fifo;
	/* the only process that could have received it then; 0: there were several, or none */
	pid_t alone;
	/* how many could; -1: the descriptor is on its way to who will */
	int holders;
	/* ns */
	int64_t begun, ended;
};

struct receipt {
	int id, offset, size, call;
	pid_t pid;
	char name[16];
	/* when the process was made, if it was for this, and when it had it, in ns */
	int64_t born, time;
};

/* What a player is called, and since when */
struct naming {
	pid_t pid;
	char name[16];
	int64_t time;
};

static struct scene {
	uint16_t salt;
	int operation;
	_Atomic int receipts, calls, namings;
	struct player players[PLAYERS];
	struct message message[MESSAGES];
	struct receipt receipt[RECEIPTS];
	struct naming naming[NAMINGS];
	/* bytes of a stream, or messages, that are sent and not received yet */
	_Atomic long pending[SOCKETS];
} * scene;

static inline int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static inline int is_stream(enum kind kind)
{
	return kind == PIPE || kind == UNIX_STREAM || kind == TCP || kind == PTY;
}

static inline void map_scene(void)
{
	scene = mmap(NULL, sizeof(*scene), PROT_READ | PROT_WRITE, MAP_SHARED, SCENE_FD, 0);
	check(scene != MAP_FAILED, "mmap");
}

static inline void make_scene(void)
{
	int fd = memfd_create("scene", 0);

	check(fd >= 0 && ftruncate(fd, sizeof(*scene)) == 0, "memfd_create");
	check(dup2(fd, SCENE_FD) == SCENE_FD && close(fd) == 0, "dup2");
	map_scene();
}

/* The address of the socket in which a player receives descriptors */
static inline socklen_t mailbox_of(int player, struct sockaddr_storage *address)
{
	struct sockaddr_un *name = (void *)address;

	memset(address, 0, sizeof(*address));
	name->sun_family = AF_UNIX;
	return offsetof(struct sockaddr_un, sun_path) + 1 +
	       snprintf(name->sun_path + 1, sizeof(name->sun_path) - 1, "ipcdump-random-%u-%d",
			scene->salt, player);
}

static inline void path_of(int fifo, char path[64])
{
	snprintf(path, 64, "/tmp/ipcdump-random-%u-%d", scene->salt, fifo);
}

static inline void fill(unsigned char *bytes, int id, int size)
{
	for (int i = 0; i < size / UNIT; i++) {
		struct unit unit = {scene->salt, {id, id >> 8, id >> 16}, {i, i >> 8, i >> 16}};

		memcpy(bytes + i * UNIT, &unit, UNIT);
	}
}

static inline void name_self(char *name)
{
	check(prctl(PR_GET_NAME, name) == 0, "PR_GET_NAME");
}

/* Notes what a call has taken, message by message */
static inline void note_taken(const unsigned char *bytes, int size, int call, int64_t born)
{
	struct receipt *last = NULL;
	int64_t time = now();

	check(size % UNIT == 0, "taken within a unit");
	for (int i = 0; i < size; i += UNIT) {
		struct unit unit;
		int id, offset;

		memcpy(&unit, bytes + i, UNIT);
		check(unit.salt == scene->salt, "taken from elsewhere");
		id = unit.id[0] | unit.id[1] << 8 | unit.id[2] << 16;
		offset = UNIT * (unit.number[0] | unit.number[1] << 8 | unit.number[2] << 16);
		if (!last || last->id != id || last->offset + last->size != offset) {
			int index = atomic_fetch_add(&scene->receipts, 1);

			check(index < RECEIPTS, "too many receipts");
			last = &scene->receipt[index];
			*last = (struct receipt){id, offset, 0, call, getpid(), "", born, time};
			name_self(last->name);
		}
		last->size += UNIT;
	}
}
