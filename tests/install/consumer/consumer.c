/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A program of somebody else, in C and in C++: prints the version that it runs with. */
#include <stdio.h>
#include <whist/whist.h>

int main(void)
{
    struct whist_buffer buf = {NULL, 0, 0};

    if (whist_buffer_append(&buf, whist_version(), 6) != WHIST_OK) {
        fprintf(stderr, "%s\n", whist_status_text(WHIST_ERR_NOMEM));
        return 1;
    }
    printf("%.*s\n", (int)buf.len, (const char *)buf.data);
    whist_buffer_clear(&buf);
    return 0;
}
