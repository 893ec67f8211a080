/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Hooks of the tests: players that follow the protocol but for one lie, seeded randomness, and
 * mends taken out to show that their attack then works. Nothing of this is in the library that is
 * installed: without WHIST_TEST_HOOKS the macros vanish. */
#ifndef WHIST_HOOKS_H
#define WHIST_HOOKS_H

#ifdef WHIST_TEST_HOOKS

#include <stdbool.h>
#include <whist/mpc.h>

/* Mends of docs/protocol.md that can be taken out. All parties of a test must agree on them. */
enum weakness {
    WEAK_ONE_TWEAK = 1 << 0,     /* both halves of a gate under one tweak */
    WEAK_COMMON_BITS = 1 << 1,   /* Δ-consistency with the same bits for every peer */
    WEAK_OPEN_ALPHA = 1 << 2,    /* leaky-AND check opens α instead of the blinded ζ */
    WEAK_LABEL_HASH = 1 << 3,    /* label check with the polynomial hash h_s */
    WEAK_NO_INPUT_ECHO = 1 << 4, /* the inputs' Λ are not echoed */
    WEAK_ROW_CHECK = 1 << 5,     /* COT check as one sum over rows instead of one for each column */
    WEAK_COMMON_MASK = 1 << 6,   /* the column check's mask bits are the same for every peer */
    WEAK_CONSTANT_LABEL = 1 << 7, /* labels of constants are sent like those of inputs */
    WEAK_EARLY_OPENING = 1 << 8,  /* d of buckets and gates are opened before the zero test */
    WEAK_OWN_CHI = 1 << 9,        /* column check: every verifier has a challenge of its own */
};

struct whist_hooks {
    /* Called at a named point with what is about to be used, sent or hashed; may change data. to:
     * the peer, or WHIST_NO_PEER for a value that goes to everybody. */
    void (*tamper)(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                   size_t len);
    void *ctx;
    const uint8_t *seed; /* 16 bytes instead of the system's randomness, or NULL */
    unsigned weak;       /* enum weakness */
    bool deaf;           /* a cheater does not stop itself: its own failed checks are ignored */
};

/* As whist_session_new. hooks must outlive the session. */
whist_status whist_session_new_hooked(struct whist_session **session_out,
                                      struct whist_channel *channel,
                                      const struct whist_session_options *options,
                                      const struct whist_hooks *hooks, struct whist_error *err);

#define TAMPER(s, point, to, data, len)                                                            \
    do {                                                                                           \
        if ((s)->hooks != NULL && (s)->hooks->tamper != NULL) {                                    \
            (s)->hooks->tamper((s)->hooks->ctx, (s), (point), (int)(to), (data), (len));           \
        }                                                                                          \
    } while (0)
#define WEAK(s, flag) ((s)->hooks != NULL && ((s)->hooks->weak & (flag)) != 0)
#define DEAF(s)       ((s)->hooks != NULL && (s)->hooks->deaf)

#else

#define TAMPER(s, point, to, data, len) ((void)0)
#define WEAK(s, flag)                   false
#define DEAF(s)                         false

#endif
#endif
