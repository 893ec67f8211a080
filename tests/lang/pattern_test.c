/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Exhaustiveness and reachability of patterns against brute force: random arms over small types,
 * every value tried. */
#include "lang/diag.h"

#include "harness.h"

/* Types of few values; signed and unsigned ranges are what they are about. */
static const char *const types[] = {
    "bool",      "u8", "i8", "(bool, bool, bool)", "(bool, i8)", "(u8, bool)", "E", "S",
    "(E, bool)", "F",  "()",
};

static const char definitions[] = "enum F { Only(bool, u8) }\n"
                                  "struct S { a: bool, b: E, c: bool }\n"
                                  "enum E { A, B(bool, bool), C(i8) }\n";

/* ---- Random programs ---- */

struct random {
    uint64_t state;
};

static uint32_t below(struct random *r, uint32_t n)
{
    r->state = r->state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(r->state >> 33) % n;
}

struct text {
    char buf[8192];
    size_t len;
};

static void add(struct text *t, const char *s)
{
    size_t n = strlen(s);

    CHECK(t->len + n < sizeof(t->buf));
    memcpy(t->buf + t->len, s, n + 1);
    t->len += n;
}

static void add_number(struct text *t, struct random *r, int min, int max)
{
    static const int edges[] = {-128, -127, -1, 0, 1, 2, 9, 10, 126, 127, 128, 254, 255};
    char number[48];
    int a, b;

    do {
        a = edges[below(r, 13)];
    } while (a < min || a > max);
    do {
        b = edges[below(r, 13)];
    } while (b < a || b > max);
    switch (below(r, 3)) {
    case 0:
        snprintf(number, sizeof(number), "%d", a);
        break;
    case 1:
        snprintf(number, sizeof(number), "%d..=%d", a, b);
        break;
    default:
        snprintf(number, sizeof(number), "%d..%d", a, b + 1);
    }
    add(t, number);
}

static void add_pattern(struct text *t, struct random *r, const char *type);

static void add_list(struct text *t, struct random *r, const char *before, const char *a,
                     const char *b, const char *c)
{
    add(t, before);
    add_pattern(t, r, a);
    if (b != NULL) {
        add(t, ", ");
        add_pattern(t, r, b);
    }
    if (c != NULL) {
        add(t, ", ");
        add_pattern(t, r, c);
    }
    add(t, ")");
}

static void add_pattern(struct text *t, struct random *r, const char *type)
{
    if (below(r, 3) == 0) {
        add(t, "_");
    } else if (strcmp(type, "bool") == 0) {
        add(t, below(r, 2) == 0 ? "true" : "false");
    } else if (strcmp(type, "u8") == 0) {
        add_number(t, r, 0, 255);
    } else if (strcmp(type, "i8") == 0) {
        add_number(t, r, -128, 127);
    } else if (strcmp(type, "(bool, bool, bool)") == 0) {
        add_list(t, r, "(", "bool", "bool", "bool");
    } else if (strcmp(type, "(bool, i8)") == 0) {
        add_list(t, r, "(", "bool", "i8", NULL);
    } else if (strcmp(type, "(u8, bool)") == 0) {
        add_list(t, r, "(", "u8", "bool", NULL);
    } else if (strcmp(type, "(E, bool)") == 0) {
        add_list(t, r, "(", "E", "bool", NULL);
    } else if (strcmp(type, "F") == 0) {
        add_list(t, r, "F::Only(", "bool", "u8", NULL);
    } else if (strcmp(type, "()") == 0) {
        add(t, "()");
    } else if (strcmp(type, "S") == 0) {
        add(t, "S { b: ");
        add_pattern(t, r, "E");
        if (below(r, 2) == 0) {
            add(t, ", a: ");
            add_pattern(t, r, "bool");
        }
        add(t, ", .. }");
    } else {
        switch (below(r, 3)) {
        case 0:
            add(t, "E::A");
            break;
        case 1:
            add_list(t, r, "E::B(", "bool", "bool", NULL);
            break;
        default:
            add_list(t, r, "E::C(", "i8", NULL, NULL);
        }
    }
}

/* ---- Brute force ---- */

/* How many values a type has. */
static uint32_t count(const struct lang_type *t)
{
    uint32_t n = 1, sum = 0;

    switch (t->kind) {
    case TYPE_BOOL:
        return 2;
    case TYPE_U8:
    case TYPE_I8:
        return 256;
    case TYPE_TUPLE:
        for (uint32_t i = 0; i < t->n_parts; i++) {
            n *= count(t->parts[i]);
        }
        return n;
    case TYPE_STRUCT:
        for (uint32_t i = 0; i < t->strct->n_fields; i++) {
            n *= count(t->strct->fields[i].type);
        }
        return n;
    default:
        for (uint32_t v = 0; v < t->enm->n_variants; v++) {
            n = 1;
            for (uint32_t i = 0; i < t->enm->variants[v].n_fields; i++) {
                n *= count(t->enm->variants[v].fields[i]);
            }
            sum += n;
        }
        return sum;
    }
}

static bool matches(const struct lang_pattern *p, const struct lang_type *t, uint32_t value);

/* The fields of an aggregate, the first the least significant digit of the value. */
static bool matches_fields(const struct lang_pattern *p, const struct lang_type *const *fields,
                           uint32_t n, uint32_t value)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t size = count(fields[i]);

        for (uint32_t k = 0; k < p->n_subs; k++) {
            uint32_t field = p->kind == PAT_STRUCT ? p->fields[k] : k;
            if (field == i && !matches(p->subs[k], fields[i], value % size)) {
                return false;
            }
        }
        value /= size;
    }
    return true;
}

static bool matches(const struct lang_pattern *p, const struct lang_type *t, uint32_t value)
{
    const struct lang_type *fields[8];
    int64_t number = t->kind == TYPE_I8 ? (int64_t)value - 128 : (int64_t)value;

    if (p->kind == PAT_BIND) {
        return true;
    }
    switch (t->kind) {
    case TYPE_BOOL:
        return p->lo == value;
    case TYPE_U8:
    case TYPE_I8:
        return (int64_t)p->lo <= number && number <= (int64_t)p->hi;
    case TYPE_TUPLE:
        return matches_fields(p, t->parts, t->n_parts, value);
    case TYPE_STRUCT:
        for (uint32_t i = 0; i < t->strct->n_fields; i++) {
            fields[i] = t->strct->fields[i].type;
        }
        return matches_fields(p, fields, t->strct->n_fields, value);
    default:
        for (uint32_t v = 0; v < t->enm->n_variants; v++) {
            const struct lang_variant *variant = &t->enm->variants[v];
            uint32_t n = 1;

            for (uint32_t i = 0; i < variant->n_fields; i++) {
                n *= count(variant->fields[i]);
            }
            if (value < n) {
                return p->variant == v &&
                       matches_fields(p, variant->fields, variant->n_fields, value);
            }
            value -= n;
        }
        return false;
    }
}

/* ---- Comparison ---- */

static const struct lang_diag *missing(struct lang_unit *u)
{
    const struct lang_diag *d = lang_diag_first(u);

    while (d != NULL && d->kind != DIAG_PatternsAreNotExhaustive) {
        d = d->next;
    }
    return d;
}

/* The pattern in the message: `…` is missing. */
static void copy_witness(const struct lang_diag *d, char *out, size_t size)
{
    const char *from = strchr(d->text, '`') + 1, *to = strrchr(d->text, '`');

    snprintf(out, size, "%.*s", (int)(to - from), from);
}

/* Compares what the checker says of the arms with what brute force says; witness: of what is
 * missing, "" if nothing is. */
static void compare(const char *text, struct lang_unit *u, char *witness, size_t size)
{
    const struct lang_expr *m = u->fns[0]->body->stmts[0]->value;
    const struct lang_type *t = m->match.value->type;
    bool complete = true, reached[16] = {false};
    uint32_t n = count(t);

    CHECK(m->kind == EXPR_MATCH && m->n_items <= 16);
    for (uint32_t value = 0; value < n; value++) {
        uint32_t arm = 0;

        while (arm < m->n_items && !matches(m->match.arms[arm].pattern, t, value)) {
            arm++;
        }
        if (arm < m->n_items) {
            reached[arm] = true;
        }
        complete &= arm < m->n_items;
    }
    CHECK_MSG(complete == (missing(u) == NULL), "%s", text);
    for (uint32_t i = 0; i < m->n_items; i++) {
        CHECK_MSG(reached[i] == !m->match.arms[i].unreachable, "arm %u of\n%s", i, text);
    }
    witness[0] = '\0';
    if (!complete) {
        copy_witness(missing(u), witness, size);
    }
}

static struct lang_unit *check_arms(struct text *t, const char *type, const char *arms,
                                    const char *more)
{
    struct lang_unit *u;
    whist_status st;

    t->len = 0;
    add(t, definitions);
    add(t, "pub fn main(x: ");
    add(t, type);
    add(t, ", e: E, s: S) -> u8 {\n    match x {\n");
    add(t, arms);
    add(t, more);
    add(t, "    }\n}\n");
    st = lang_check(&u, "test", whist_bytes(t->buf, t->len), NULL);
    CHECK(st == WHIST_OK || st == WHIST_ERR_FORMAT);
    for (const struct lang_diag *d = lang_diag_first(u); d != NULL; d = d->next) {
        CHECK_MSG(d->kind == DIAG_PatternsAreNotExhaustive || d->kind == DIAG_UnreachableArm,
                  "%s in\n%s", d->text, t->buf);
    }
    return u;
}

static void as_by_brute_force(void)
{
    static struct text arms, program;
    struct random r = {1};
    char witness[200], arm[240];
    long n_complete = 0, n_witnesses = 0, n = test_scale(4000);

    for (long i = 0; i < n; i++) {
        const char *type = types[below(&r, sizeof(types) / sizeof(types[0]))];
        uint32_t n_arms = 1 + below(&r, 7);
        struct lang_unit *u;

        arms.len = 0;
        for (uint32_t k = 0; k < n_arms; k++) {
            add(&arms, "        ");
            add_pattern(&arms, &r, type);
            add(&arms, " => 1,\n");
        }
        u = check_arms(&program, type, arms.buf, "");
        compare(program.buf, u, witness, sizeof(witness));
        lang_unit_free(u);
        n_complete += witness[0] == '\0';
        if (witness[0] == '\0') {
            continue;
        }
        /* what is said to be missing is: an arm for it is reached */
        n_witnesses++;
        snprintf(arm, sizeof(arm), "        %s => 2,\n", witness);
        u = check_arms(&program, type, arms.buf, arm);
        CHECK_MSG(!u->fns[0]->body->stmts[0]->value->match.arms[n_arms].unreachable, "%s",
                  program.buf);
        compare(program.buf, u, witness, sizeof(witness));
        lang_unit_free(u);
    }
    CHECK(n_complete > n / 10 && n_witnesses > n / 10);
}

static const struct test_case cases[] = {
    {"as_by_brute_force", as_by_brute_force},
};

TEST_MAIN(cases)
