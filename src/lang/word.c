/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Nodes of the word-level program: storage, hash consing, constants, lists, panics. */
#include "lang/word_impl.h"

uint32_t word_site_bits(size_t n_sites)
{
    uint32_t bits = 0;
    while (bits < 63 && (size_t)1 << bits < n_sites) {
        bits++;
    }
    return bits;
}

void word_fail(struct word_program *p, whist_status status)
{
    if (p->status == WHIST_OK) {
        p->status = status;
    }
}

/* ---- Storage ---- */

bool word_grow(struct word_program *p, void **array, size_t *cap, size_t need, size_t size)
{
    if (p->status != WHIST_OK) {
        return false;
    }
    if (need <= *cap) {
        return true;
    }
    size_t grown = *cap < 32 ? 64 : *cap + *cap / 2;
    if (grown < need) {
        grown = need;
    }
    void *v = grown > UINT32_MAX ? NULL : whist_realloc(*array, grown, size);
    if (v == NULL) {
        word_fail(p, grown > UINT32_MAX ? WHIST_ERR_LIMIT : WHIST_ERR_NOMEM);
        return false;
    }
    *array = v;
    *cap = grown;
    return true;
}

#define GROW(p, field, n)                                                                          \
    word_grow(p, (void **)&(p)->field##s, &(p)->cap_##field##s, n, sizeof *(p)->field##s)

static bool grow_pool(struct word_program *p, size_t more)
{
    return word_grow(p, (void **)&p->pool, &p->cap_pool, p->n_pool + more, sizeof *p->pool);
}

/* ---- Hash consing ---- */

static uint32_t hash_node(const struct word_node *n)
{
    uint64_t h = n->op + ((uint64_t)n->width << 8);
    h = (h ^ n->a) * 0x9e3779b97f4a7c15U;
    h = (h ^ h >> 29 ^ n->b) * 0xbf58476d1ce4e5b9U;
    h = (h ^ h >> 31 ^ n->c) * 0x94d049bb133111ebU;
    if (n->op == WORD_CONST) {
        h = (h ^ h >> 30 ^ n->max) * 0x9e3779b97f4a7c15U;
    }
    return (uint32_t)(h >> 32);
}

static bool same_node(const struct word_node *x, const struct word_node *y)
{
    return x->op == y->op && x->width == y->width && x->a == y->a && x->b == y->b && x->c == y->c &&
           (x->op != WORD_CONST || x->max == y->max);
}

static void table_put(uint32_t *table, size_t bits, uint32_t hash, word_id id)
{
    size_t mask = ((size_t)1 << bits) - 1, at = hash & mask;
    while (table[at] != 0) {
        at = (at + 1) & mask;
    }
    table[at] = id;
}

static bool table_grow(struct word_program *p)
{
    if (p->n_table * 2 < (size_t)1 << p->table_bits) {
        return true;
    }
    size_t bits = p->table_bits + 1;
    uint32_t *table = whist_zalloc((size_t)1 << bits, sizeof *table);
    if (table == NULL) {
        word_fail(p, WHIST_ERR_NOMEM);
        return false;
    }
    for (size_t i = 0; i < (size_t)1 << p->table_bits; i++) {
        if (p->table[i] != 0) {
            table_put(table, bits, hash_node(&p->nodes[p->table[i]]), p->table[i]);
        }
    }
    whist_free(p->table);
    p->table = table;
    p->table_bits = bits;
    return true;
}

/* Lists and effects are never looked up: their operands are not in the node. */
static bool is_shared(const struct word_node *n)
{
    switch (n->op) {
    case WORD_CONCAT:
    case WORD_READ:
    case WORD_MERGE:
    case WORD_COMPACT:
    case WORD_PANIC:
        return false;
    default:
        return n->op != WORD_CONST || n->width <= 64;
    }
}

word_id word_append(struct word_program *p, struct word_node n)
{
    if (p->n_nodes >= p->max_nodes) {
        word_fail(p, WHIST_ERR_LIMIT);
    }
    if (!GROW(p, node, p->n_nodes + 1)) {
        return 0;
    }
    n.place = p->place;
    p->nodes[p->n_nodes] = n;
    return (word_id)p->n_nodes++;
}

word_id word_make(struct word_program *p, struct word_node n)
{
    if (p->status != WHIST_OK) {
        return 0;
    }
    WHIST_REQUIRE(n.width >= 1 && n.width <= WORD_MAX_WIDTH);
    n.max = n.width < 64 && n.max > word_ones(n.width) ? word_ones(n.width) : n.max;
    uint32_t hash = 0;
    bool shared = is_shared(&n);
    if (shared) {
        if (!table_grow(p)) {
            return 0;
        }
        hash = hash_node(&n);
        size_t mask = ((size_t)1 << p->table_bits) - 1;
        for (size_t at = hash & mask; p->table[at] != 0; at = (at + 1) & mask) {
            if (same_node(&n, &p->nodes[p->table[at]])) {
                return p->table[at];
            }
        }
    }
    word_id id = word_append(p, n);
    if (shared && id != 0) {
        table_put(p->table, p->table_bits, hash, id);
        p->n_table++;
    }
    return id;
}

void word_init(struct word_program *p)
{
    *p = (struct word_program){.max_nodes = UINT32_MAX, .last = true};
    p->table_bits = 6;
    p->table = whist_zalloc((size_t)1 << p->table_bits, sizeof *p->table);
    if (p->table == NULL) {
        word_fail(p, WHIST_ERR_NOMEM);
    }
    /* Node 0 is not in the table, where 0 means empty: word_const gives it. */
    word_make(p, (struct word_node){.op = WORD_CONST, .width = 1, .max = 0});
    word_make(p, (struct word_node){.op = WORD_CONST, .width = 1, .max = 1});
}

void word_clear(struct word_program *p)
{
    whist_free(p->nodes);
    whist_free(p->pool);
    whist_free(p->input_widths);
    whist_free(p->result);
    whist_free(p->kept);
    whist_free(p->sites);
    whist_free(p->table);
    *p = (struct word_program){0};
}

/* ---- Constants ---- */

word_id word_const(struct word_program *p, uint32_t width, uint64_t value)
{
    WHIST_REQUIRE(width >= 1);
    value &= word_ones(width);
    if (width == 1) {
        return p->status == WHIST_OK ? (word_id)value : 0;
    }
    if (width > 64) {
        uint32_t n = (width + 31) / 32;
        if (!grow_pool(p, n)) {
            return 0;
        }
        uint32_t b = (uint32_t)p->n_pool;
        memset(p->pool + b, 0, n * sizeof *p->pool);
        p->pool[b] = (uint32_t)value;
        p->pool[b + 1] = (uint32_t)(value >> 32);
        p->n_pool += n;
        return word_make(p,
                         (struct word_node){
                             .op = WORD_CONST, .width = width, .b = b, .c = n, .max = UINT64_MAX});
    }
    return word_make(p, (struct word_node){.op = WORD_CONST, .width = width, .max = value});
}

word_id word_const_limbs(struct word_program *p, uint32_t width, const uint32_t *limbs)
{
    uint32_t n = (width + 31) / 32;

    if (width <= 64) {
        uint64_t v = limbs[0];
        return word_const(p, width, n > 1 ? v | (uint64_t)limbs[1] << 32 : v);
    }
    if (!grow_pool(p, n)) {
        return 0;
    }
    uint32_t b = (uint32_t)p->n_pool;
    memcpy(p->pool + b, limbs, n * sizeof *limbs);
    if (width % 32 != 0) {
        p->pool[b + n - 1] &= ((uint32_t)1 << width % 32) - 1;
    }
    p->n_pool += n;
    return word_make(
        p, (struct word_node){.op = WORD_CONST, .width = width, .b = b, .c = n, .max = UINT64_MAX});
}

bool word_const_bit(const struct word_program *p, word_id x, uint32_t k)
{
    const struct word_node *n = &p->nodes[x];
    if (n->width <= 64) {
        return n->max >> k & 1;
    }
    return p->pool[n->b + k / 32] >> k % 32 & 1;
}

/* ---- Leaves and lists ---- */

word_id word_input(struct word_program *p, uint32_t width, uint32_t offset)
{
    return word_make(
        p, (struct word_node){.op = WORD_INPUT, .width = width, .a = offset, .max = UINT64_MAX});
}

word_id word_held(struct word_program *p, uint32_t width, uint32_t index, uint64_t max)
{
    return word_make(p,
                     (struct word_node){.op = WORD_HELD, .width = width, .a = index, .max = max});
}

word_id word_list(struct word_program *p, struct word_node n, const word_id *list, size_t len,
                  const uint32_t head[2])
{
    size_t extra = head == NULL ? 0 : 2;

    if (len > UINT32_MAX || !grow_pool(p, len + extra)) {
        word_fail(p, WHIST_ERR_LIMIT);
        return 0;
    }
    if (head != NULL) {
        p->pool[p->n_pool++] = head[0];
        p->pool[p->n_pool++] = head[1];
    }
    n.b = (uint32_t)p->n_pool;
    n.c = (uint32_t)len;
    memcpy(p->pool + p->n_pool, list, len * sizeof *list);
    p->n_pool += len;
    return word_make(p, n);
}

word_id word_merge(struct word_program *p, const word_id *rows, uint32_t n_a, uint32_t n_b,
                   uint32_t key_width)
{
    if (p->status != WHIST_OK) {
        return 0;
    }
    uint32_t width = word_width(p, rows[0]);
    const uint32_t head[2] = {n_a, key_width};
    WHIST_REQUIRE(key_width >= 1 && key_width <= width);
    return word_list(p, (struct word_node){.op = WORD_MERGE, .width = width, .max = UINT64_MAX},
                     rows, (size_t)n_a + n_b, head);
}

word_id word_compact(struct word_program *p, const word_id *rows, uint32_t n)
{
    if (p->status != WHIST_OK) {
        return 0;
    }
    uint32_t width = word_width(p, rows[0]);
    return word_list(p, (struct word_node){.op = WORD_COMPACT, .width = width, .max = UINT64_MAX},
                     rows, n, NULL);
}

word_id word_pick(struct word_program *p, word_id from, uint32_t row)
{
    if (p->status != WHIST_OK) {
        return 0;
    }
    return word_make(
        p,
        (struct word_node){
            .op = WORD_PICK, .width = word_width(p, from), .a = from, .b = row, .max = UINT64_MAX});
}

/* ---- Effects ---- */

uint32_t word_site(struct word_program *p, enum word_reason reason, uint32_t origin)
{
    if (!GROW(p, site, p->n_sites + 1)) {
        return 0;
    }
    p->sites[p->n_sites] = (struct word_site){.reason = reason, .origin = origin};
    return (uint32_t)p->n_sites++;
}

void word_panic(struct word_program *p, word_id guard, word_id cond, uint32_t site)
{
    if (guard != WORD_FALSE && cond != WORD_FALSE && p->panics != WORD_PANICS_OFF) {
        word_make(p, (struct word_node){
                         .op = WORD_PANIC, .width = 1, .a = guard, .b = site, .c = cond, .max = 1});
    }
}

void word_result(struct word_program *p, word_id x)
{
    if (word_grow(p, (void **)&p->result, &p->cap_result, p->n_result + 1, sizeof *p->result)) {
        p->result[p->n_result++] = x;
    }
}

/* ---- Reading ---- */

static const struct {
    const char *name;
    uint8_t n_fixed; /* operands among a, b, c */
    bool list;
} ops[WORD_N_OPS] = {
    [WORD_CONST] = {"const", 0, false},       [WORD_INPUT] = {"input", 0, false},
    [WORD_HELD] = {"held", 0, false},         [WORD_NOT] = {"not", 1, false},
    [WORD_AND] = {"and", 2, false},           [WORD_OR] = {"or", 2, false},
    [WORD_XOR] = {"xor", 2, false},           [WORD_NEG] = {"neg", 1, false},
    [WORD_ADD] = {"add", 2, false},           [WORD_SUB] = {"sub", 2, false},
    [WORD_MUL] = {"mul", 2, false},           [WORD_UDIV] = {"udiv", 2, false},
    [WORD_UREM] = {"urem", 2, false},         [WORD_SDIV] = {"sdiv", 2, false},
    [WORD_SREM] = {"srem", 2, false},         [WORD_UADD_OVF] = {"uadd_ovf", 2, false},
    [WORD_SADD_OVF] = {"sadd_ovf", 2, false}, [WORD_USUB_OVF] = {"usub_ovf", 2, false},
    [WORD_SSUB_OVF] = {"ssub_ovf", 2, false}, [WORD_UMUL_OVF] = {"umul_ovf", 2, false},
    [WORD_SMUL_OVF] = {"smul_ovf", 2, false}, [WORD_EQ] = {"eq", 2, false},
    [WORD_ULT] = {"ult", 2, false},           [WORD_SLT] = {"slt", 2, false},
    [WORD_SHL] = {"shl", 2, false},           [WORD_SHR] = {"shr", 2, false},
    [WORD_SAR] = {"sar", 2, false},           [WORD_SELECT] = {"select", 3, false},
    [WORD_ZEXT] = {"zext", 1, false},         [WORD_SEXT] = {"sext", 1, false},
    [WORD_SLICE] = {"slice", 1, false},       [WORD_CONCAT] = {"concat", 0, true},
    [WORD_READ] = {"read", 1, true},          [WORD_DECODE] = {"decode", 1, false},
    [WORD_MERGE] = {"merge", 0, true},        [WORD_COMPACT] = {"compact", 0, true},
    [WORD_PICK] = {"pick", 1, false},         [WORD_PANIC] = {"panic", 2, false},
};

size_t word_operands(const struct word_program *p, word_id x, const word_id **list_out,
                     word_id fixed_out[3])
{
    const struct word_node *n = &p->nodes[x];

    fixed_out[0] = n->a;
    fixed_out[1] = n->b;
    fixed_out[2] = n->c;
    if (n->op == WORD_PANIC) {
        fixed_out[1] = n->c;
    }
    *list_out = ops[n->op].list ? p->pool + n->b : NULL;
    return ops[n->op].n_fixed;
}

/* Appends a few words to the buffer `out`; returns on failure. */
#define DUMP(...)                                                                                  \
    do {                                                                                           \
        char text_[64];                                                                            \
        int len_ = snprintf(text_, sizeof text_, __VA_ARGS__);                                     \
        TRY(whist_buffer_append(out, text_, (size_t)len_));                                        \
    } while (0)

static whist_status dump_const(const struct word_program *p, const struct word_node *n,
                               struct whist_buffer *out)
{
    if (n->width <= 64) {
        DUMP(" %llu", (unsigned long long)n->max);
        return WHIST_OK;
    }
    DUMP(" 0x");
    for (uint32_t i = n->c; i-- > 0;) {
        DUMP("%08x", p->pool[n->b + i]);
    }
    return WHIST_OK;
}

static whist_status dump_node(const struct word_program *p, word_id x, struct whist_buffer *out)
{
    const struct word_node *n = &p->nodes[x];
    const word_id *list;
    word_id fixed[3] = {0};
    size_t n_fixed = word_operands(p, x, &list, fixed);

    DUMP("%%%u:%u = %s", x, n->width, ops[n->op].name);
    if (n->op == WORD_CONST) {
        TRY(dump_const(p, n, out));
    }
    for (size_t i = 0; i < n_fixed; i++) {
        DUMP(" %%%u", fixed[i]);
    }
    for (uint32_t i = 0; list != NULL && i < n->c; i++) {
        DUMP(" %%%u", list[i]);
    }
    if (n->op == WORD_INPUT || n->op == WORD_HELD) {
        DUMP(" %u", n->a);
    } else if (n->op == WORD_SLICE || n->op == WORD_PICK || n->op == WORD_PANIC ||
               n->op == WORD_DECODE) {
        DUMP(" #%u", n->b);
    }
    if (n->op != WORD_CONST && n->width <= 64 && n->max < word_ones(n->width)) {
        DUMP("  ; <= %llu", (unsigned long long)n->max);
    }
    DUMP("\n");
    return WHIST_OK;
}

whist_status word_dump(const struct word_program *p, struct whist_buffer *text_out)
{
    struct whist_buffer *out = text_out;

    for (size_t i = 0; i < p->n_nodes; i++) {
        TRY(dump_node(p, (word_id)i, text_out));
    }
    DUMP("result");
    for (size_t i = 0; i < p->n_result; i++) {
        DUMP(" %%%u", p->result[i]);
    }
    DUMP("\n");
    return WHIST_OK;
}
