/*
 * What Bun needs of libstdc++.so.6 and the library's own objects can't give without all of exceptions and locales
 * behind them. Bun is built without exceptions, so where one would be thrown the process ends, as it does
 * with the real library.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMED(symbol) __asm__(symbol)

typedef void (*handler)(void);
static handler on_terminate;

handler set_terminate(handler) NAMED("_ZSt13set_terminatePFvvE");
handler set_terminate(handler wanted)
{
	return __atomic_exchange_n(&on_terminate, wanted, __ATOMIC_ACQ_REL);
}

_Noreturn void terminate(void) NAMED("_ZSt9terminatev");
_Noreturn void terminate(void)
{
	handler current = __atomic_load_n(&on_terminate, __ATOMIC_ACQUIRE);

	if (current)
		current();
	abort();
}

static _Noreturn void fail(const char *what)
{
	static const char before[] = "ipcdump: Bun ended: ";

	if (write(2, before, sizeof(before) - 1) > 0 && write(2, what, strlen(what)) > 0)
		(void)!write(2, "\n", 1);
	terminate();
}

#define THROWS(name, symbol, what)                                                                                     \
	_Noreturn void name(void) NAMED(symbol);                                                                           \
	_Noreturn void name(void)                                                                                          \
	{                                                                                                                  \
		fail(what);                                                                                                    \
	}

#define THROWS_TEXT(name, symbol)                                                                                      \
	_Noreturn void name(const char *) NAMED(symbol);                                                                   \
	_Noreturn void name(const char *what)                                                                              \
	{                                                                                                                  \
		fail(what);                                                                                                    \
	}

THROWS(bad_alloc, "_ZSt17__throw_bad_allocv", "out of memory")
THROWS(bad_array_new_length, "_ZSt28__throw_bad_array_new_lengthv", "bad array length")
THROWS(bad_function_call, "_ZSt25__throw_bad_function_callv", "call of an empty function")
THROWS(system_error, "_ZSt20__throw_system_errori", "system error")
THROWS(bad_cast, "__cxa_bad_cast", "bad cast")
THROWS(bad_typeid, "__cxa_bad_typeid", "bad typeid")
THROWS_TEXT(logic_error, "_ZSt19__throw_logic_errorPKc")
THROWS_TEXT(length_error, "_ZSt20__throw_length_errorPKc")
THROWS_TEXT(out_of_range, "_ZSt24__throw_out_of_range_fmtPKcz")

_Noreturn void assertion(const char *, int, const char *, const char *) NAMED("_ZSt21__glibcxx_assert_failPKciS0_S0_");
_Noreturn void assertion(const char *file, int line, const char *function, const char *condition)
{
	(void)file, (void)line, (void)function;
	fail(condition ? condition : "unreachable code was reached");
}

/* A static variable's guard: its first byte says that the variable is made (the ABI), the second that it is being made. */
enum { MADE, MAKING };
static pthread_mutex_t guards = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t guard_changed = PTHREAD_COND_INITIALIZER;

int __cxa_guard_acquire(uint8_t *guard)
{
	int is_ours = 0;

	if (__atomic_load_n(&guard[MADE], __ATOMIC_ACQUIRE))
		return 0;
	pthread_mutex_lock(&guards);
	while (!guard[MADE] && !is_ours) {
		if (guard[MAKING])
			pthread_cond_wait(&guard_changed, &guards);
		else
			guard[MAKING] = is_ours = 1;
	}
	pthread_mutex_unlock(&guards);
	return is_ours;
}

static void leave_guard(uint8_t *guard, uint8_t is_made)
{
	pthread_mutex_lock(&guards);
	guard[MAKING] = 0;
	__atomic_store_n(&guard[MADE], is_made, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&guard_changed);
	pthread_mutex_unlock(&guards);
}

void __cxa_guard_release(uint8_t *guard)
{
	leave_guard(guard, 1);
}

void __cxa_guard_abort(uint8_t *guard)
{
	leave_guard(guard, 0);
}

/* std::condition_variable is a pthread_cond_t, std::unique_lock<std::mutex> begins with its mutex. */
struct unique_lock {
	pthread_mutex_t *mutex;
};

void condition_construct(pthread_cond_t *) NAMED("_ZNSt18condition_variableC1Ev");
void condition_construct(pthread_cond_t *condition)
{
	pthread_cond_init(condition, NULL);
}

void condition_destroy(pthread_cond_t *) NAMED("_ZNSt18condition_variableD1Ev");
void condition_destroy(pthread_cond_t *condition)
{
	pthread_cond_destroy(condition);
}

void condition_wait(pthread_cond_t *,
					struct unique_lock *) NAMED("_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE");
void condition_wait(pthread_cond_t *condition, struct unique_lock *lock)
{
	pthread_cond_wait(condition, lock->mutex);
}

void condition_notify_one(pthread_cond_t *) NAMED("_ZNSt18condition_variable10notify_oneEv");
void condition_notify_one(pthread_cond_t *condition)
{
	pthread_cond_signal(condition);
}

void condition_notify_all(pthread_cond_t *) NAMED("_ZNSt18condition_variable10notify_allEv");
void condition_notify_all(pthread_cond_t *condition)
{
	pthread_cond_broadcast(condition);
}

/* operator delete, for the type_info objects that are linked in; Bun has its own. */
void delete(void *) NAMED("_ZdlPv");
void delete(void *memory)
{
	free(memory);
}

void delete_sized(void *, size_t) NAMED("_ZdlPvm");
void delete_sized(void *memory, size_t size)
{
	(void)size;
	free(memory);
}
