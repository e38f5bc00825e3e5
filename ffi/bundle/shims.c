/*
 * Stand-ins for symbols that a new glibc's headers select and an older one (2.28) doesn't have. They are
 * linked into libbpf.so and hidden, so only libbpf, libelf and zlib in it see them.
 * Compiled as C11 without _GNU_SOURCE and without large-file macros: the plain names must stay the old symbols here.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

long syscall(long number, ...);

/* glibc 2.33 made these functions of their own; the kernel's struct stat is glibc's on 64-bit Linux. */
#define EMPTY_PATH 0x1000 /* AT_EMPTY_PATH */
#define NO_FOLLOW 0x100   /* AT_SYMLINK_NOFOLLOW */

int fstat(int fd, struct stat *st)
{
	return (int)syscall(SYS_newfstatat, fd, "", st, EMPTY_PATH);
}

int stat(const char *path, struct stat *st)
{
	return (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, 0);
}

int lstat(const char *path, struct stat *st)
{
	return (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, NO_FOLLOW);
}

/* The large-file names are the same calls on 64-bit Linux. */
int fstat64(int fd, void *st)
{
	return fstat(fd, st);
}

int stat64(const char *path, void *st)
{
	return stat(path, st);
}

int lstat64(const char *path, void *st)
{
	return lstat(path, st);
}

int fcntl64(int fd, int command, ...)
{
	va_list list;
	va_start(list, command);
	long argument = va_arg(list, long);
	va_end(list);
	return fcntl(fd, command, argument);
}

/* glibc 2.38 renamed these for C23's binary literals, which nothing here reads. */
long __isoc23_strtol(const char *text, char **end, int base)
{
	return strtol(text, end, base);
}

unsigned long __isoc23_strtoul(const char *text, char **end, int base)
{
	return strtoul(text, end, base);
}

long long __isoc23_strtoll(const char *text, char **end, int base)
{
	return strtoll(text, end, base);
}

unsigned long long __isoc23_strtoull(const char *text, char **end, int base)
{
	return strtoull(text, end, base);
}

int __isoc23_sscanf(const char *text, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int read = vsscanf(text, format, list);
	va_end(list);
	return read;
}

int __isoc23_fscanf(FILE *file, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int read = vfscanf(file, format, list);
	va_end(list);
	return read;
}
