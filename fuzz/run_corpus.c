/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A main for fuzz targets without libFuzzer: runs every file of a folder once. */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0, cap = 0, n = 0;

    if (f == NULL) {
        perror(path);
        return 1;
    }
    do {
        size += n;
        if (cap - size < 4096) {
            cap = cap * 2 + 8192;
            uint8_t *grown = realloc(data, cap);
            if (grown == NULL) {
                fclose(f);
                free(data);
                return 1;
            }
            data = grown;
        }
    } while ((n = fread(data + size, 1, cap - size, f)) != 0);
    fclose(f);
    /* A block of the very size, so that a sanitizer sees reading past the end. */
    uint8_t *exact = realloc(data, size + (size == 0));
    LLVMFuzzerTestOneInput(exact != NULL ? exact : data, size);
    free(exact != NULL ? exact : data);
    return 0;
}

int main(int argc, char **argv)
{
    int n = 0, bad = 0;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

    if (dir == NULL) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        char path[4096];
        if (e->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        printf("%s\n", e->d_name);
        fflush(stdout);
        bad += run_file(path);
        n++;
    }
    closedir(dir);
    printf("%d inputs\n", n);
    return n == 0 || bad != 0;
}
