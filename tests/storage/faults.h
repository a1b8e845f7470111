/*
 * Calls of the library that can be made to fail: the linker's --wrap turns them to definitions in faults.c, which
 * count them, and let one of them fail as it would in trouble.
 */
#ifndef BACKPROP_TESTS_STORAGE_FAULTS_H
#define BACKPROP_TESTS_STORAGE_FAULTS_H

#include <stddef.h>

/** From now on nothing fails; counts start anew. */
void faults_none(void);

/** From now on the nth call of a function, from 0, fails with `error` in errno; counts start anew. */
void faults_at(const char *function, size_t nth, int error);

/** From now on the nth allocation, from 0 and by whatever function, fails; counts start anew. */
void faults_at_allocation(size_t nth);

/** The function that failed since the last change; null: none did. */
const char *faults_failed(void);

/** What the program and the library have allocated and not freed; to be compared with an earlier number. */
size_t faults_live(void);

/** The nth call ends the process at once, as a crash would. */
void faults_exit_at(const char *function, size_t nth);

/** write() and pread() transfer at most so many bytes a call, and every second call is interrupted. 0: as they like. */
void faults_short(size_t bytes);

/** Besides what fails, write() and pread() transfer at most so many bytes a call, until the next change. */
void faults_part(size_t bytes);

/** Calls of a function since the last change. */
size_t faults_calls(const char *function);

/** The largest allocation since the last change. */
size_t faults_largest_allocation(void);

/** Calls of strtof since the last change that would have read a number as the host's locale writes it. */
size_t faults_in_hosts_locale(void);

#endif
