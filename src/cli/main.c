/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdio.h>
#include <whist/whist.h>

int main(void)
{
    printf("whist %s\n", whist_version());
    return 0;
}
