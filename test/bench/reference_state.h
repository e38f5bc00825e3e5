/* What the C reference has of libbpf, and what it keeps: names, pairs, what is asked for. */
#pragma once
#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
/* the BPF side's own headers for the records; its types are the C library's here */
#define __VMLINUX_H__
#include <linux/types.h>
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
#include "config.h"
#include <arpa/inet.h>
#include <err.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The calls of libbpf's that are made here: the bundle has its library, and headers for BPF programs only */
struct bpf_object *bpf_object__open(const char *path);
int bpf_object__load(struct bpf_object *);
struct bpf_program *bpf_object__find_program_by_name(const struct bpf_object *, const char *name);
struct bpf_map *bpf_object__find_map_by_name(const struct bpf_object *, const char *name);
int bpf_object__find_map_fd_by_name(const struct bpf_object *, const char *name);
struct bpf_program *bpf_object__next_program(const struct bpf_object *, struct bpf_program *);
const char *bpf_program__name(const struct bpf_program *);
int bpf_program__set_autoload(struct bpf_program *, bool);
int bpf_program__set_attach_target(struct bpf_program *, int, const char *function);
struct bpf_link *bpf_program__attach(const struct bpf_program *);
struct bpf_link *bpf_program__attach_kprobe(const struct bpf_program *, bool, const char *function);
void *bpf_map__initial_value(const struct bpf_map *, size_t *size);
struct ring_buffer *ring_buffer__new(int fd, int (*take)(void *, void *, size_t), void *,
				     const void *);
int ring_buffer__consume(struct ring_buffer *);
int ring_buffer__epoll_fd(const struct ring_buffer *);
void *libbpf_set_print(int (*print)(int level, const char *format, va_list));

enum form { FORM_TEXT, FORM_JSON, FORM_COUNT };

#define NAMES 65536
#define PAIRS 65536
#define OPEN 1024

struct name {
	struct process who;
	char comm[COMM_LENGTH + 1];
};

struct pair {
	struct process src, dst;
	u32 kind;
	u32 used;
	u64 inode;
	u64 events, bytes;
};

/* An event whose contents are still to come */
struct pending {
	bool is;
	u8 event[sizeof(struct loopback_record)];
};

static struct name names[NAMES];
static struct pair pairs[PAIRS];
static enum form form;
static long contents = -1;
static FILE *out;
static u64 events;
static volatile sig_atomic_t stopping;
static s64 boot_to_real;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static u32 slot_of(struct process who)
{
	return ((who.tgid * 0x9e3779b1u) ^ who.tag) * 0x85ebca6bu >> 16;
}

static void add_name(const struct name_record *record)
{
	u32 at = slot_of(record->who);

	while (names[at].who.tgid && memcmp(&names[at].who, &record->who, sizeof(record->who)))
		at = (at + 1) % NAMES;
	names[at].who = record->who;
	memcpy(names[at].comm, record->comm, COMM_LENGTH);
}

static const char *name_of(struct process who)
{
	for (u32 at = slot_of(who); names[at].who.tgid; at = (at + 1) % NAMES)
		if (!memcmp(&names[at].who, &who, sizeof(who)))
			return names[at].comm;
	return "<unknown>";
}
