/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "core/core.h"
#include "harness.h"

static void status_names(void)
{
    CHECK(strcmp(whist_status_name(WHIST_OK), "ok") == 0);
    CHECK(strcmp(whist_status_name(WHIST_ERR_CANCELLED), "cancelled") == 0);
    CHECK(strcmp(whist_status_name((whist_status)999), "unknown") == 0);
}

static void fail_fills_the_error(void)
{
    struct whist_error err;
    CHECK(whist_fail(&err, WHIST_ERR_IO, 3, "hello", "got %d", 7) == WHIST_ERR_IO);
    CHECK(err.peer == 3 && strcmp(err.phase, "hello") == 0 && strcmp(err.text, "got 7") == 0);
    CHECK(whist_fail(NULL, WHIST_ERR_LIMIT, 0, NULL, "x") == WHIST_ERR_LIMIT);
}

static void buffer_grows_and_keeps(void)
{
    struct whist_buffer b = {0};
    for (int i = 0; i < 1000; i++) {
        uint8_t v = (uint8_t)i;
        CHECK(whist_buffer_append(&b, &v, 1) == WHIST_OK);
    }
    CHECK(b.len == 1000 && b.data[999] == (uint8_t)999 && b.data[3] == 3);
    whist_buffer_clear(&b);
    CHECK(b.data == NULL && b.len == 0 && b.cap == 0);
}

static void allocation_failure_leaves_the_buffer(void)
{
    struct whist_buffer b = {0};
    CHECK(whist_buffer_append(&b, "abc", 3) == WHIST_OK);
    whist_alloc_fail_after(0);
    CHECK(whist_buffer_resize(&b, 100000) == WHIST_ERR_NOMEM);
    whist_alloc_fail_after(-1);
    CHECK(b.len == 3 && memcmp(b.data, "abc", 3) == 0);
    whist_buffer_clear(&b);
    CHECK(whist_alloc(SIZE_MAX / 2, 3) == NULL);
}

static void large_buffers_are_reused_and_wiped_at_a_trim(void)
{
    struct whist_buffer b = {0};
    CHECK(whist_buffer_resize(&b, 1000000) == WHIST_OK);
    size_t cap = b.cap;
    memset(b.data, 0xa5, b.len);
    const uint8_t *before = b.data;
    whist_buffer_clear(&b);
    CHECK(whist_buffer_resize(&b, 1000000) == WHIST_OK);
    CHECK(b.cap == cap && (b.data == before || cap == 1000000));
    whist_buffer_clear(&b);
    uint64_t wiped = whist_wiped_bytes();
    whist_pool_trim();
    CHECK(whist_wiped_bytes() - wiped >= cap || cap == 1000000);
    wiped = whist_wiped_bytes();
    whist_pool_trim(); /* nothing is left */
    CHECK(whist_wiped_bytes() == wiped);
    for (size_t size = 1; size < (size_t)5 << 20; size += size / 3 + 1) {
        CHECK(whist_pool_capacity(size) >= size);
        void *p = whist_pool_alloc(whist_pool_capacity(size));
        CHECK(p != NULL);
        memset(p, 1, size);
        whist_pool_free(p, whist_pool_capacity(size), size);
    }
}

static const struct test_case cases[] = {
    {"large_buffers_are_reused_and_wiped_at_a_trim", large_buffers_are_reused_and_wiped_at_a_trim},
    {"status_names", status_names},
    {"fail_fills_the_error", fail_fills_the_error},
    {"buffer_grows_and_keeps", buffer_grows_and_keeps},
    {"allocation_failure_leaves_the_buffer", allocation_failure_leaves_the_buffer},
};
TEST_MAIN(cases)
