/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Builder: nodes, folding, common subexpressions, and the circuit that comes out. */
#include "circuit/builder.h"

/* ANDs that are looked at closely, and nodes that are made again: a fraction of a second. What this
 * saves is in small circuits; large ones consist of words and tables, which have good gates. */
#define DEFAULT_LOCAL   ((uint64_t)1 << 20)
#define DEFAULT_REWRITE ((uint64_t)1 << 22) /* nodes */
#define DEFAULT_CONES   ((uint64_t)1 << 17)

void builder_fail(struct whist_builder *b, whist_status status)
{
    if (b->status == WHIST_OK) {
        b->status = status;
    }
}

whist_wire *builder_wires(struct whist_builder *b, size_t n)
{
    whist_wire *w = builder_ok(b) ? whist_zalloc(n, sizeof *w) : NULL;
    if (w == NULL) {
        builder_fail(b, WHIST_ERR_NOMEM);
    }
    return w;
}

void builder_give(struct whist_builder *b, whist_wire *out, whist_wire *scratch, size_t n)
{
    if (builder_ok(b)) {
        memcpy(out, scratch, n * sizeof *out);
    } else {
        memset(out, 0, n * sizeof *out);
    }
    whist_free(scratch);
}

/* ---- Nodes ---- */

static bool is_xor(const struct node *n)
{
    return n->a > n->b;
}

static bool is_and(const struct node *n)
{
    return n->a < n->b;
}

static bool has_operand(const struct node *n, uint32_t x)
{
    return n->a == x || n->b == x;
}

/* 0 on error. */
static uint32_t new_node(struct whist_builder *b, uint32_t x, uint32_t y)
{
    if (b->n_nodes == b->cap_nodes) {
        size_t cap = b->cap_nodes + b->cap_nodes / 2 + 512;
        struct node *nodes = whist_realloc(b->nodes, cap, sizeof *nodes);
        if (nodes == NULL) {
            builder_fail(b, WHIST_ERR_NOMEM);
            return 0;
        }
        b->nodes = nodes;
        b->cap_nodes = cap;
    }
    if (b->n_nodes >= WHIST_MAX_WIRES) {
        builder_fail(b, WHIST_ERR_LIMIT);
        return 0;
    }
    b->nodes[b->n_nodes] = (struct node){x, y};
    return (uint32_t)b->n_nodes++;
}

/* ---- Common subexpressions ---- */

/*
 * The table has the gates from table_from on: all of them while they are fewer than 3/4·2^19, and
 * at least the newest half of that many ever after. Equal gates are mostly made soon after one
 * another, and a table that fits into the cache is several times as fast as one that does not. An
 * entry is 1, 9 bits of hash, and the node number mod 2^22: few nodes are looked at in vain.
 */
enum { FIRST_TABLE_BITS = 10, LAST_TABLE_BITS = 19, NUMBER_BITS = 22 };
#define ENTRY_NUMBER (((uint32_t)1 << NUMBER_BITS) - 1)
#define ENTRY_USED   ((uint32_t)1 << 31)

static inline uint64_t gate_hash(uint32_t x, uint32_t y)
{
    /* Multiplicative hashing; 2^64 divided by the golden ratio. */
    uint64_t key = ((uint64_t)x << 32 | y) * 0x9e3779b97f4a7c15u;
    return (key ^ key >> 29) * 0x9e3779b97f4a7c15u;
}

static inline uint32_t entry_of(uint64_t hash, uint32_t node)
{
    return ENTRY_USED | ((uint32_t)hash & ~ENTRY_NUMBER) | (node & ENTRY_NUMBER);
}

/* The newest node that the entry can mean. */
static inline uint32_t entry_node(const struct whist_builder *b, uint32_t entry)
{
    uint32_t newest = (uint32_t)b->n_nodes - 1;
    return newest - ((newest - entry) & ENTRY_NUMBER);
}

static void table_put(struct whist_builder *b, uint32_t node)
{
    size_t mask = ((size_t)1 << b->table_bits) - 1;
    uint64_t hash = gate_hash(b->nodes[node].a, b->nodes[node].b);
    size_t at = (size_t)(hash >> (64 - b->table_bits));
    while (b->table[at] != 0) {
        at = (at + 1) & mask;
    }
    b->table[at] = entry_of(hash, node);
}

/* Makes the table anew: twice as large, or without its older half. */
static bool table_renew(struct whist_builder *b)
{
    if (b->table_bits < LAST_TABLE_BITS) {
        whist_free(b->table); /* first: both together would be the most memory of all */
        b->table_bits++;
        b->table = whist_zalloc((size_t)1 << b->table_bits, sizeof *b->table);
        if (b->table == NULL) {
            builder_fail(b, WHIST_ERR_NOMEM);
            return false;
        }
    } else {
        b->table_from += (b->n_nodes - b->table_from) / 2;
        memset(b->table, 0, sizeof *b->table << b->table_bits);
    }
    for (size_t i = b->table_from; i < b->n_nodes; i++) {
        table_put(b, (uint32_t)i);
    }
    return true;
}

/* The gate (x, y), made if there is none; 0 on error. */
static uint32_t gate_node(struct whist_builder *b, uint32_t x, uint32_t y)
{
    size_t size = (size_t)1 << b->table_bits;
    if (!builder_ok(b) || (b->n_nodes - b->table_from >= size / 4 * 3 && !table_renew(b))) {
        return 0;
    }
    uint64_t hash = gate_hash(x, y);
    size_t mask = ((size_t)1 << b->table_bits) - 1;
    size_t at = (size_t)(hash >> (64 - b->table_bits));
    for (uint32_t entry, like = entry_of(hash, 0); (entry = b->table[at]) != 0;
         at = (at + 1) & mask) {
        if ((entry & ~ENTRY_NUMBER) == like) {
            const struct node *n = &b->nodes[entry_node(b, entry)];
            if (n->a == x && n->b == y) {
                return entry_node(b, entry);
            }
        }
    }
    uint32_t node = new_node(b, x, y);
    if (node != 0) {
        b->table[at] = entry_of(hash, node);
        b->n_ands += x < y;
    }
    return node;
}

/* x ⊕ y of nodes. Each turn goes to older nodes. */
static uint32_t xor_nodes(struct whist_builder *b, uint32_t x, uint32_t y)
{
    while (x != 0 && y != 0 && x != y) {
        if (x < y) {
            uint32_t t = x;
            x = y;
            y = t;
        }
        struct node p = b->nodes[x], q = b->nodes[y];
        if (is_xor(&p) && has_operand(&p, y)) { /* (y ⊕ z) ⊕ y = z */
            return p.a == y ? p.b : p.a;
        }
        if (!is_xor(&p) || !is_xor(&q) || !(has_operand(&q, p.a) || has_operand(&q, p.b))) {
            return gate_node(b, x, y);
        }
        /* (z ⊕ v) ⊕ (z ⊕ w) = v ⊕ w */
        uint32_t common = has_operand(&q, p.a) ? p.a : p.b;
        x = p.a == common ? p.b : p.a;
        y = q.a == common ? q.b : q.a;
    }
    return x == y ? 0 : x + y;
}

/* x ∧ y of nodes, as a literal. Each turn goes to older nodes. */
static whist_wire and_nodes(struct whist_builder *b, uint32_t x, uint32_t y)
{
    whist_wire rest = 0; /* the result is rest ⊕ xy */

    while (x != 0 && y != 0 && x != y) {
        if (x > y) {
            uint32_t t = x;
            x = y;
            y = t;
        }
        struct node p = b->nodes[x], q = b->nodes[y];
        if (is_and(&q) && has_operand(&q, x)) { /* x ∧ (x ∧ z) = x ∧ z */
            return whist_builder_xor(b, rest, y << 1);
        }
        if (p.a == q.b && p.b == q.a && p.a != p.b) { /* vw ∧ (v ⊕ w) = 0 */
            return rest;
        }
        if (!is_xor(&q) || !has_operand(&q, x)) {
            whist_wire known;
            if (b->local_left != 0 && builder_local_and(b, x, y, &known)) {
                return whist_builder_xor(b, rest, known);
            }
            return whist_builder_xor(b, rest, gate_node(b, x, y) << 1);
        }
        /* x ∧ (x ⊕ z) = x ⊕ xz */
        rest = whist_builder_xor(b, rest, x << 1);
        y = q.a == x ? q.b : q.a;
    }
    return x == y ? whist_builder_xor(b, rest, x << 1) : rest;
}

/* ---- Gates ---- */

static void require_wire(const struct whist_builder *b, whist_wire w)
{
    WHIST_REQUIRE(w >> 1 < b->n_nodes);
}

whist_wire whist_builder_const(struct whist_builder *b, bool value)
{
    return builder_ok(b) && value;
}

whist_wire whist_builder_not(struct whist_builder *b, whist_wire x)
{
    require_wire(b, x);
    return builder_ok(b) ? x ^ 1 : 0;
}

whist_wire whist_builder_xor(struct whist_builder *b, whist_wire x, whist_wire y)
{
    require_wire(b, x);
    require_wire(b, y);
    if (!builder_ok(b)) {
        return 0;
    }
    whist_wire out = xor_nodes(b, x >> 1, y >> 1) << 1 | ((x ^ y) & 1);
    return builder_ok(b) ? out : 0;
}

whist_wire whist_builder_and(struct whist_builder *b, whist_wire x, whist_wire y)
{
    require_wire(b, x);
    require_wire(b, y);
    if (!builder_ok(b) || x == 0 || y == 0 || x == (y ^ 1)) {
        return 0;
    }
    if (x == 1 || x == y) {
        return y;
    }
    if (y == 1) {
        return x;
    }
    /* (x ⊕ s)(y ⊕ t) = xy ⊕ s·y ⊕ t·(x ⊕ s) */
    whist_wire out = and_nodes(b, x >> 1, y >> 1);
    if ((x & 1) != 0) {
        out = whist_builder_xor(b, out, y & ~1u);
    }
    if ((y & 1) != 0) {
        out = whist_builder_xor(b, out, x);
    }
    return builder_ok(b) ? out : 0;
}

whist_wire whist_builder_or(struct whist_builder *b, whist_wire x, whist_wire y)
{
    return whist_builder_not(
        b, whist_builder_and(b, whist_builder_not(b, x), whist_builder_not(b, y)));
}

whist_wire whist_builder_mux(struct whist_builder *b, whist_wire c, whist_wire x, whist_wire y)
{
    return whist_builder_xor(b, y, whist_builder_and(b, c, whist_builder_xor(b, x, y)));
}

whist_wire builder_majority(struct whist_builder *b, whist_wire x, whist_wire y, whist_wire c)
{
    whist_wire p = whist_builder_xor(b, x, c), q = whist_builder_xor(b, y, c);
    return whist_builder_xor(b, c, whist_builder_and(b, p, q));
}

uint64_t whist_builder_ands(const struct whist_builder *b)
{
    return b->n_ands;
}

/* ---- Life ---- */

whist_status whist_builder_new(struct whist_builder **builder_out, struct whist_error *err)
{
    struct whist_builder *b = whist_zalloc(1, sizeof *b);

    if (b == NULL) {
        return no_memory(err);
    }
    b->table_bits = FIRST_TABLE_BITS;
    b->local_left = DEFAULT_LOCAL;
    b->rewrite_left = DEFAULT_REWRITE;
    b->cones_left = DEFAULT_CONES;
    b->table = whist_zalloc((size_t)1 << b->table_bits, sizeof *b->table);
    new_node(b, 0, 0);
    b->table_from = b->n_nodes;
    if (b->table == NULL || !builder_ok(b)) {
        whist_builder_free(b);
        return no_memory(err);
    }
    *builder_out = b;
    return WHIST_OK;
}

void whist_builder_free(struct whist_builder *b)
{
    if (b == NULL) {
        return;
    }
    whist_free(b->nodes);
    whist_free(b->table);
    numbers_clear(&b->input_widths);
    numbers_clear(&b->output_widths);
    numbers_clear(&b->outputs);
    whist_free(b);
}

void builder_restart(struct whist_builder *b, size_t n_kept)
{
    b->n_nodes = (size_t)b->n_input_bits + 1;
    for (size_t i = 0; i < n_kept && builder_ok(b); i++) {
        new_node(b, 0, 0);
    }
    b->n_leaves = (uint32_t)b->n_nodes - 1;
    b->table_from = b->n_nodes;
    memset(b->nodes, 0, b->n_nodes * sizeof *b->nodes);
    if (b->table != NULL) {
        memset(b->table, 0, sizeof *b->table << b->table_bits);
    }
}

static void push(struct whist_builder *b, struct numbers *list, size_t v)
{
    if (v > WHIST_MAX_WIRES) {
        builder_fail(b, WHIST_ERR_LIMIT);
    } else if (builder_ok(b) && numbers_push(list, (uint32_t)v) != WHIST_OK) {
        builder_fail(b, WHIST_ERR_NOMEM);
    }
}

void whist_builder_input(struct whist_builder *b, whist_wire *out, size_t width)
{
    WHIST_REQUIRE(width > 0);
    WHIST_REQUIRE(!builder_ok(b) || b->n_nodes == (size_t)b->n_input_bits + 1);
    push(b, &b->input_widths, width);
    for (size_t i = 0; i < width; i++) {
        uint32_t node = builder_ok(b) ? new_node(b, 0, 0) : 0;
        b->n_input_bits += node != 0;
        out[i] = node << 1;
    }
    b->n_leaves = b->n_input_bits;
    b->table_from = b->n_nodes;
}

void whist_builder_output(struct whist_builder *b, const whist_wire *wires, size_t width)
{
    WHIST_REQUIRE(width > 0);
    push(b, &b->output_widths, width);
    for (size_t i = 0; i < width; i++) {
        require_wire(b, wires[i]);
        push(b, &b->outputs, wires[i]);
    }
    if (b->outputs.len > WHIST_MAX_WIRES) {
        builder_fail(b, WHIST_ERR_LIMIT);
    }
}

/* ---- The circuit ---- */

/* A set of nodes, with the number of members before each 64 nodes: where a member stands in the
 * order of all is known at once. */
struct node_set {
    uint64_t *bits;
    uint32_t *before;
};

static bool set_new(struct node_set *s, size_t n_nodes)
{
    size_t n = n_nodes / 64 + 1;

    s->bits = whist_zalloc(n, sizeof *s->bits);
    s->before = s->bits != NULL ? whist_alloc(n, sizeof *s->before) : NULL;
    return s->before != NULL;
}

static void set_clear(struct node_set *s)
{
    whist_free(s->bits);
    whist_free(s->before);
}

static inline void set_add(struct node_set *s, uint32_t node)
{
    s->bits[node >> 6] |= (uint64_t)1 << (node & 63);
}

static inline bool set_has(const struct node_set *s, size_t node)
{
    return (s->bits[node >> 6] >> (node & 63) & 1) != 0;
}

/* Counts; returns how many members there are. */
static uint32_t set_count(struct node_set *s, size_t n_nodes)
{
    uint32_t n = 0;

    for (size_t i = 0; i <= n_nodes / 64; i++) {
        s->before[i] = n;
        n += (uint32_t)__builtin_popcountll(s->bits[i]);
    }
    return n;
}

static inline uint32_t set_rank(const struct node_set *s, uint32_t node)
{
    uint64_t below = ((uint64_t)1 << (node & 63)) - 1;
    return s->before[node >> 6] + (uint32_t)__builtin_popcountll(s->bits[node >> 6] & below);
}

/* The gates that the outputs need. */
static void mark_live(const struct whist_builder *b, struct node_set *live)
{
    for (size_t i = 0; i < b->outputs.len; i++) {
        set_add(live, b->outputs.v[i] >> 1);
    }
    for (size_t i = b->n_nodes; i-- > (size_t)b->n_input_bits + 1;) {
        if (set_has(live, i)) {
            set_add(live, b->nodes[i].a);
            set_add(live, b->nodes[i].b);
        }
    }
    for (uint32_t i = 0; i <= b->n_input_bits; i++) {
        live->bits[i >> 6] &= ~((uint64_t)1 << (i & 63));
    }
    set_count(live, b->n_nodes);
}

/* The wire of a node that is an input or alive; not of the constant. */
static inline uint32_t node_wire(const struct whist_builder *b, const struct node_set *live,
                                 uint32_t node)
{
    return node <= b->n_input_bits ? node - 1 : b->n_input_bits + set_rank(live, node);
}

/* Turns live nodes into gates, in order and in their place: gate k comes of node k or a later one.
 */
static void pack_nodes(const struct whist_builder *b, struct whist_circuit *c,
                       const struct node_set *live)
{
    for (size_t i = (size_t)b->n_input_bits + 1; i < b->n_nodes; i++) {
        struct node g = b->nodes[i];
        if (set_has(live, i)) {
            c->gates[c->n_gates++] = gate_pack(is_xor(&g) ? WHIST_OP_XOR : WHIST_OP_AND,
                                               node_wire(b, live, g.a), node_wire(b, live, g.b));
        }
    }
}

static uint32_t emit(struct whist_circuit *c, uint32_t op, uint32_t a)
{
    c->gates[c->n_gates] = gate_pack(op, a, a);
    return c->n_input_bits + c->n_gates++;
}

/* Outputs become wires. Constants and negations get gates at the end, each once: `negated` has the
 * nodes whose negation is an output, and wires, by rank, what was made for them. */
static void pack_outputs(struct whist_builder *b, struct whist_circuit *c,
                         const struct node_set *live, const struct node_set *negated,
                         uint32_t *wires)
{
    uint32_t zero = UINT32_MAX;

    for (size_t i = 0; i < b->outputs.len; i++) {
        uint32_t *out = &b->outputs.v[i], node = *out >> 1;
        if ((*out & 1) != 0) {
            uint32_t *wire = &wires[set_rank(negated, node)];
            if (*wire == 0) {
                *wire = 1 + (node == 0 ? emit(c, WHIST_OP_CONST1, 0)
                                       : emit(c, WHIST_OP_NOT, node_wire(b, live, node)));
            }
            *out = *wire - 1;
        } else if (node == 0) {
            zero = zero == UINT32_MAX ? emit(c, WHIST_OP_CONST0, 0) : zero;
            *out = zero;
        } else {
            *out = node_wire(b, live, node);
        }
    }
}

/* The nodes' memory becomes that of the gates. */
static whist_status pack(struct whist_builder *b, struct whist_circuit *c,
                         const struct node_set *live, const struct node_set *negated,
                         uint32_t *wires)
{
    c->n_input_bits = b->n_input_bits;
    c->gates = (struct stored_gate *)(void *)b->nodes;
    pack_nodes(b, c, live);
    size_t most = c->n_gates + b->outputs.len; /* a gate for each output */
    struct stored_gate *gates = most + b->n_input_bits <= WHIST_MAX_WIRES
                                    ? whist_realloc(c->gates, most, sizeof *gates)
                                    : NULL;
    if (gates == NULL) {
        c->gates = NULL; /* the builder's still */
        return most + b->n_input_bits <= WHIST_MAX_WIRES ? WHIST_ERR_NOMEM : WHIST_ERR_LIMIT;
    }
    b->nodes = NULL;
    c->gates = gates;
    pack_outputs(b, c, live, negated, wires);
    c->n_output_bits = (uint32_t)b->outputs.len;
    c->n_inputs = b->input_widths.len;
    c->n_outputs = b->output_widths.len;
    c->outputs = numbers_take(&b->outputs);
    c->input_widths = numbers_take(&b->input_widths);
    c->output_widths = numbers_take(&b->output_widths);
    return WHIST_OK;
}

static whist_status build(struct whist_builder *b, struct whist_circuit *c)
{
    struct node_set live = {0}, negated = {0};
    uint32_t *wires = NULL;
    whist_status st = WHIST_ERR_NOMEM;

    if (set_new(&live, b->n_nodes) && set_new(&negated, b->n_nodes)) {
        mark_live(b, &live);
        for (size_t i = 0; i < b->outputs.len; i++) {
            if ((b->outputs.v[i] & 1) != 0) {
                set_add(&negated, b->outputs.v[i] >> 1);
            }
        }
        wires = whist_zalloc(set_count(&negated, b->n_nodes), sizeof *wires);
    }
    if (wires != NULL) {
        st = pack(b, c, &live, &negated, wires);
    }
    whist_free(wires);
    set_clear(&live);
    set_clear(&negated);
    return st;
}

whist_status whist_builder_finish(struct whist_builder *b, struct whist_circuit **circuit_out,
                                  struct whist_error *err)
{
    struct whist_circuit *c = NULL;
    whist_status st = b->status;

    if (st == WHIST_OK && b->outputs.len == 0) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL, "a circuit needs outputs");
    }
    if (st == WHIST_OK) {
        whist_free(b->table);
        b->table = NULL;
        b->status = WHIST_ERR_ARGUMENT; /* of a call after this one */
        c = whist_zalloc(1, sizeof *c);
        st = c == NULL ? WHIST_ERR_NOMEM : build(b, c);
    }
    if (st == WHIST_OK) {
        st = whist_circuit_seal(c, err);
    } else {
        whist_fail(err, st, WHIST_NO_PEER, NULL, "cannot build the circuit: %s",
                   whist_status_text(st));
    }
    if (st != WHIST_OK) {
        whist_circuit_free(c);
        return st;
    }
    *circuit_out = c;
    return WHIST_OK;
}
