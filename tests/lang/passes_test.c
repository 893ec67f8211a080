/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The listings in docs/compiler.md are what the passes give. */
#include <whist/lang.h>

#include "harness.h"
#include "lang/opt.h"
#include "lang/program.h"

static char *document(void)
{
    FILE *f = fopen(WHIST_SOURCE_DIR "/docs/compiler.md", "r");
    char *text = calloc(1, 1 << 16);

    CHECK(f != NULL && text != NULL);
    CHECK(fread(text, 1, (1 << 16) - 1, f) > 0);
    fclose(f);
    return text;
}

/* The inside of the k-th block that begins with ```kind. */
static char *block(const char *text, const char *kind, int k)
{
    char open[32];
    snprintf(open, sizeof open, "```%s\n", kind);
    const char *from = text;
    for (int i = 0; i <= k; i++) {
        from = strstr(from, open);
        CHECK(from != NULL);
        from += strlen(open);
    }
    const char *to = strstr(from, "```");
    CHECK(to != NULL);
    return strndup(from, (size_t)(to - from));
}

static void check_words(const struct word_program *p, const char *want)
{
    struct whist_buffer out = {0};

    CHECK(word_dump(p, &out) == WHIST_OK);
    CHECK_MSG(out.len == strlen(want) && memcmp(out.data, want, out.len) == 0,
              "docs/compiler.md says otherwise than\n%.*s", (int)out.len, (const char *)out.data);
    whist_buffer_clear(&out);
}

static void document_shows_what_the_passes_give(void)
{
    char *text = document(), *source = block(text, "garble", 0);
    char *words = block(text, "words", 0), *better = block(text, "words", 1), count[64];
    struct whist_program *p;
    struct word_program rewritten;
    struct whist_circuit *c;
    struct whist_circuit_info info;
    struct whist_error err = {0};

    CHECK_OK(whist_program_new(&p, whist_bytes(source, strlen(source)), NULL, &err), err);
    CHECK_OK(whist_program_bind(p, NULL, NULL, 0, WHIST_PANICS_SITE, &err), err);
    check_words(&p->words, words);
    CHECK(opt_program(&rewritten, &p->words) == WHIST_OK);
    check_words(&rewritten, better);
    CHECK_OK(whist_program_circuit(p, &c, &err), err);
    CHECK_OK(whist_circuit_info(c, &info, &err), err);
    snprintf(count, sizeof count, "The example has %llu AND gates.",
             (unsigned long long)info.n_and);
    CHECK_MSG(strstr(text, count) != NULL, "docs/compiler.md does not say: %s", count);
    whist_circuit_free(c);
    word_clear(&rewritten);
    whist_program_free(p);
    free(better);
    free(words);
    free(source);
    free(text);
}

static const struct test_case cases[] = {
    {"document_shows_what_the_passes_give", document_shows_what_the_passes_give},
};
TEST_MAIN(cases)
