/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Networks of comparators: the same for interpreter and gates. */
#ifndef WHIST_LANG_NETWORK_H
#define WHIST_LANG_NETWORK_H

#include "core/core.h"

/* A comparator: afterwards row `low` is the smaller of the two rows, `high` the greater one; equal
 * rows stay as they are. */
typedef void (*network_step)(void *ctx, uint32_t low, uint32_t high);

/*
 * Tables of so few rows together are merged by a bitonic network instead, whose results for tables
 * that are not ascending are those of other compilers of the language.
 */
#define NETWORK_SMALL 6

/*
 * Batcher's odd-even merge without padding (Knuth, TAOCP 3, 5.3.4): merges the ascending rows
 * 0 … n_a−1 with the ascending rows n_a … n_a+n_b−1. Calls `step` for the comparators in order;
 * then row order_out[j] (of n_a + n_b) is the j-th in ascending order. WHIST_ERR_NOMEM before the
 * first step.
 */
whist_status network_merge(uint32_t n_a, uint32_t n_b, uint32_t *order_out, network_step step,
                           void *ctx);

#endif
