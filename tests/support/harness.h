/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Test harness: a program is a table of cases; each case is a ctest entry and runs in a process of
 * its own (`prog CASE`); `prog --list` names them; `prog` alone runs all, one after the other. */
#ifndef WHIST_HARNESS_H
#define WHIST_HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
    const char *name;
    void (*run)(void);
};

/* Ends the case as failed unless cond holds. */
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #cond);               \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* The same with a printf message. */
#define CHECK_MSG(cond, ...)                                                                       \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: CHECK(%s) failed: ", __FILE__, __LINE__, #cond);               \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fprintf(stderr, "\n");                                                                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* The call returns WHIST_OK; prints the error's text otherwise. */
#define CHECK_OK(call, err)                                                                        \
    do {                                                                                           \
        whist_status check_st_ = (call);                                                           \
        if (check_st_ != WHIST_OK) {                                                               \
            fprintf(stderr, "%s:%d: %s: %s (peer %d, phase %s): %s\n", __FILE__, __LINE__, #call,  \
                    whist_status_name(check_st_), (err).peer, (err).phase, (err).text);            \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* Ends the case as skipped (ctest shows it so), with one line that says why. */
#define SKIP(...)                                                                                  \
    do {                                                                                           \
        printf("skipped: " __VA_ARGS__);                                                           \
        printf("\n");                                                                              \
        exit(77);                                                                                  \
    } while (0)

/* How much of a long sweep to run: `full` unless WHIST_TEST_SCALE divides it (sanitizer builds use
 * 10, soak runs multiply with WHIST_TEST_SOAK). At least 1. */
static inline long test_scale(long full)
{
    const char *div = getenv("WHIST_TEST_SCALE"), *mul = getenv("WHIST_TEST_SOAK");
    long n = full;
    if (mul != NULL && atol(mul) > 0) {
        n *= atol(mul);
    }
    if (div != NULL && atol(div) > 0) {
        n /= atol(div);
    }
    return n > 0 ? n : 1;
}

static inline int test_main(int argc, char **argv, const struct test_case *cases, size_t n)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < n; i++) {
            puts(cases[i].name);
        }
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (argc < 2 || strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            if (argc >= 2) {
                return 0;
            }
            printf("ok %s\n", cases[i].name);
        }
    }
    if (argc >= 2) {
        fprintf(stderr, "no case %s\n", argv[1]);
        return 1;
    }
    return 0;
}

#define TEST_MAIN(cases)                                                                           \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return test_main(argc, argv, cases, sizeof(cases) / sizeof((cases)[0]));                   \
    }

#endif
