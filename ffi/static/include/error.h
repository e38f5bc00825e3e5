/* glibc's <error.h>, which musl has not: elfutils' headers include it, and what we build of them calls nothing of it. */
