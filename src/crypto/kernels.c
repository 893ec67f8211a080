/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Chooses the kernel table for this machine. */
#include <pthread.h>

#include "crypto/kernels_impl.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

static bool machine_has_aesni(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
           __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
}

/* "avx2" includes that the operating system saves the 256-bit registers. */
static bool machine_has_vaes(void)
{
    const unsigned vaes = 1U << 9, vpclmulqdq = 1U << 10; /* leaf 7, ECX */
    unsigned a, b, c, d;
    if (!machine_has_aesni() || !__builtin_cpu_supports("avx2") ||
        __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) {
        return false;
    }
    return (c & vaes) != 0 && (c & vpclmulqdq) != 0;
}
#else
static bool machine_has_aesni(void)
{
    return false;
}

static bool machine_has_vaes(void)
{
    return false;
}
#endif

/* Best first; NULL: not on this machine or not in this build. */
static const struct whist_kernels *tables[3];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_tables(void)
{
    tables[0] = machine_has_vaes() ? whist_kernels_vaes() : NULL;
    tables[1] = machine_has_aesni() ? whist_kernels_aesni() : NULL;
    tables[2] = whist_kernels_portable();
}

const struct whist_kernels *whist_kernels(void)
{
    (void)pthread_once(&once, fill_tables);
    for (size_t i = 0; i < 2; i++) {
        if (tables[i] != NULL) {
            return tables[i];
        }
    }
    return tables[2];
}

const struct whist_kernels *whist_kernels_by_name(const char *name)
{
    (void)pthread_once(&once, fill_tables);
    for (size_t i = 0; i < 3; i++) {
        if (tables[i] != NULL && strcmp(tables[i]->name, name) == 0) {
            return tables[i];
        }
    }
    return NULL;
}
