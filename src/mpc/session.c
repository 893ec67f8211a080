/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Sessions: hello, agreement on a run, the run, and what happens when something fails. */
#include "channel/channel_impl.h"
#include "mpc/run.h"

/* ---- Hello ---- */

#define HELLO_MAGIC      "WHISTMPC"
#define PROTOCOL_VERSION 1
#define HELLO_LEN        76

/* magic 8 · version 4 · parties 4 · index 4 · ρ 4 · k 4 · pad 4 · chunk 8 · zero 4 · nonce 32 */
enum {
    AT_VERSION = 8,
    AT_N = 12,
    AT_INDEX = 16,
    AT_RHO = 20,
    AT_K = 24,
    AT_CHUNK = 32,
    AT_NONCE = 44
};

static void write_hello(struct whist_session *s, uint8_t out[HELLO_LEN])
{
    memset(out, 0, HELLO_LEN);
    memcpy(out, HELLO_MAGIC, 8);
    put_le32(out + AT_VERSION, PROTOCOL_VERSION);
    put_le32(out + AT_N, (uint32_t)s->n);
    put_le32(out + AT_INDEX, (uint32_t)s->me);
    put_le32(out + AT_RHO, s->rho);
    put_le32(out + AT_K, s->cot_k);
    put_le64(out + AT_CHUNK, s->chunk_ands);
    whist_prg_bytes(&s->rng, out + AT_NONCE, 32);
}

static whist_status mismatch(struct whist_error *err, size_t j, const char *phase,
                             const char *field, uint64_t theirs, uint64_t ours)
{
    return whist_fail(err, WHIST_ERR_MISMATCH, (int)j, phase,
                      "%s: party %zu has %llu, this party has %llu", field, j,
                      (unsigned long long)theirs, (unsigned long long)ours);
}

static whist_status compare_hello(const struct whist_session *s, size_t j,
                                  const struct whist_buffer *msg, struct whist_error *err)
{
    static const char phase[] = "hello";
    const uint8_t *m = msg->data;
    if (msg->len < AT_N || memcmp(m, HELLO_MAGIC, 8) != 0) {
        return whist_fail(err, WHIST_ERR_PROTOCOL, (int)j, phase,
                          "party %zu does not speak the protocol of Whist", j);
    }
    if (get_le32(m + AT_VERSION) != PROTOCOL_VERSION) {
        return mismatch(err, j, phase, "protocol version", get_le32(m + AT_VERSION),
                        PROTOCOL_VERSION);
    }
    if (msg->len != HELLO_LEN) {
        return whist_fail(err, WHIST_ERR_PROTOCOL, (int)j, phase,
                          "party %zu sent a hello of %zu bytes, not %d", j, msg->len, HELLO_LEN);
    }
    if (get_le32(m + AT_N) != s->n) {
        return mismatch(err, j, phase, "number of parties", get_le32(m + AT_N), s->n);
    }
    if (get_le32(m + AT_INDEX) != j) {
        return mismatch(err, j, phase, "index of the party", get_le32(m + AT_INDEX), j);
    }
    if (get_le32(m + AT_RHO) != s->rho) {
        return mismatch(err, j, phase, "statistical security (rho)", get_le32(m + AT_RHO), s->rho);
    }
    if (get_le32(m + AT_K) != s->cot_k) {
        return mismatch(err, j, phase, "SoftSpoken parameter k", get_le32(m + AT_K), s->cot_k);
    }
    if (get_le64(m + AT_CHUNK) != s->chunk_ands) {
        return mismatch(err, j, phase, "chunk size", get_le64(m + AT_CHUNK), s->chunk_ands);
    }
    return WHIST_OK;
}

static whist_status hello(struct whist_session *s, struct whist_error *err)
{
    uint8_t mine[HELLO_LEN];
    struct whist_buffer msg[MAX_N] = {{0}};
    struct hash h;
    whist_status st = WHIST_OK;
    write_hello(s, mine);
    for (size_t p = 0; p < s->n_peers; p++) {
        TRY_OUT(whist_wire_send(s, s->peers[p], mine, HELLO_LEN, "hello", err));
    }
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        TRY_OUT(whist_channel_recv(s->ch, j, &msg[j], "hello", whist_wire_deadline(s), err));
        TRY_OUT(compare_hello(s, j, &msg[j], err));
    }
    whist_hash_init(&h, "whist session");
    for (size_t i = 0; i < s->n; i++) {
        whist_hash_field(&h, i == s->me ? mine : msg[i].data, HELLO_LEN);
    }
    whist_hash_final(&h, s->sid);
    st = whist_echo(s, "hello.echo", err);
out:
    for (size_t i = 0; i < s->n; i++) {
        whist_buffer_clear(&msg[i]);
    }
    return st;
}

/* ---- Life of a session ---- */

static void wipe_secrets(struct whist_session *s)
{
    if (s->pair != NULL) {
        for (size_t j = 0; j < s->n; j++) {
            whist_cot_clear(&s->pair[j].tx);
            whist_cot_clear(&s->pair[j].rx);
        }
        whist_wipe(s->pair, s->n * sizeof *s->pair);
    }
    whist_wipe(&s->delta, sizeof s->delta);
    whist_prg_clear(&s->rng);
    whist_arena_clear(&s->arena);
}

/* An error ends the session: peers are told, nothing of it is used again. */
static whist_status end_session(struct whist_session *s, const struct whist_error *why)
{
    s->dead = true;
    wipe_secrets(s);
    whist_channel_abort(s->ch, why);
    return why->status;
}

void whist_session_free(struct whist_session *s)
{
    if (s != NULL) {
        wipe_secrets(s);
        whist_free(s->pair);
        whist_wipe(s, sizeof *s);
        whist_free(s);
    }
}

static whist_status check_options(const struct whist_session_options *o, struct whist_error *err)
{
    if (o->rho != 0 && (o->rho < 40 || o->rho > 60)) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "rho must be 40 … 60, not %u", o->rho);
    }
    if (o->cot_k != 0 && o->cot_k != 2 && o->cot_k != 4 && o->cot_k != 8) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "the SoftSpoken parameter k must be 2, 4 or 8, not %u", o->cot_k);
    }
    if (o->chunk_ands > (uint64_t)1 << 24) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "a chunk may have at most 2^24 AND gates");
    }
    return WHIST_OK;
}

static void init_session(struct whist_session *s, struct whist_channel *ch,
                         const struct whist_session_options *o)
{
    s->ch = ch;
    s->n = whist_channel_parties(ch);
    s->me = whist_channel_me(ch);
    for (size_t j = 0; j < s->n; j++) {
        if (j != s->me) {
            s->peers[s->n_peers++] = j;
        }
    }
    s->rho = o->rho != 0 ? o->rho : 40;
    s->cot_k = o->cot_k != 0 ? o->cot_k : 4;
    s->chunk_ands = o->chunk_ands;
    s->timeout_ms = o->timeout_ms;
    s->log = o->log;
    s->progress = o->progress;
    s->progress_ctx = o->progress_ctx;
    whist_hash_init(&s->echo, "whist broadcasts");
}

static whist_status check_channel(const struct whist_channel *channel, struct whist_error *err)
{
    if (!channel->framed) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "a session needs a channel with phases and aborts: wrap it in "
                          "whist_channel_envelope_new");
    }
    if (whist_channel_parties(channel) < 2 || whist_channel_parties(channel) > MAX_N) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "a session needs at least two parties and at most %d, not %zu", MAX_N,
                          whist_channel_parties(channel));
    }
    return WHIST_OK;
}

static whist_status open_session(struct whist_session **session_out, struct whist_channel *channel,
                                 const struct whist_session_options *options, const void *hooks,
                                 struct whist_error *err)
{
    static const struct whist_session_options defaults;
    struct whist_error local;
    uint8_t seed[16];
    err = err != NULL ? err : &local;
    options = options != NULL ? options : &defaults;
    TRY(check_channel(channel, err));
    TRY(check_options(options, err));
    TRY(whist_crypto_init(err));
    struct whist_session *s = whist_zalloc(1, sizeof *s);
    if (s == NULL) {
        return whist_out_of_memory(err, "hello");
    }
    init_session(s, channel, options);
    whist_random(seed, sizeof seed);
#ifdef WHIST_TEST_HOOKS
    s->hooks = hooks;
    if (s->hooks != NULL && s->hooks->seed != NULL) {
        memcpy(seed, s->hooks->seed, sizeof seed);
    }
#else
    (void)hooks;
#endif
    whist_prg_init(&s->rng, seed);
    whist_wipe(seed, sizeof seed);
    s->pair = whist_zalloc(s->n, sizeof *s->pair);
    whist_status st = s->pair != NULL ? hello(s, err) : whist_out_of_memory(err, "hello");
    if (st != WHIST_OK) {
        st = end_session(s, err);
        whist_session_free(s);
        return st;
    }
    *session_out = s;
    return WHIST_OK;
}

whist_status whist_session_new(struct whist_session **session_out, struct whist_channel *channel,
                               const struct whist_session_options *options, struct whist_error *err)
{
    return open_session(session_out, channel, options, NULL, err);
}

#ifdef WHIST_TEST_HOOKS
whist_status whist_session_new_hooked(struct whist_session **session_out,
                                      struct whist_channel *channel,
                                      const struct whist_session_options *options,
                                      const struct whist_hooks *hooks, struct whist_error *err)
{
    return open_session(session_out, channel, options, hooks, err);
}
#endif

/* ---- Agreement on a run ---- */

#define AGREE "agree"

/* What must be the same for everybody, beside the session's parameters. */
struct terms {
    uint8_t number[8]; /* of the run */
    uint8_t circuit[WHIST_HASH_LEN];
    uint8_t owners[WHIST_HASH_LEN];
    uint8_t evaluator[8], receivers[8], chunk[8];
};

static void hash_widths(struct hash *h, const uint32_t *widths, size_t n)
{
    whist_hash_u64(h, n);
    for (size_t i = 0; i < n; i++) {
        whist_hash_u64(h, widths[i]);
    }
}

static void write_terms(const struct run *r, struct terms *t)
{
    struct hash h;
    put_le64(t->number, r->s->runs);
    whist_hash_init(&h, "whist circuit");
    whist_hash_field(&h, r->shape->id, sizeof r->shape->id);
    hash_widths(&h, r->shape->input_widths, r->shape->n_inputs);
    hash_widths(&h, r->shape->output_widths, r->shape->n_outputs);
    whist_hash_final(&h, t->circuit);
    whist_hash_init(&h, "whist owners");
    whist_hash_field(&h, r->owner_of_bit, r->n_input_bits);
    whist_hash_final(&h, t->owners);
    put_le64(t->evaluator, r->evaluator);
    put_le64(t->receivers, r->receivers);
    put_le64(t->chunk, r->chunk_ands);
}

static whist_status compare_terms(size_t j, const struct terms *theirs, const struct terms *ours,
                                  struct whist_error *err)
{
    static const char differ[] = "%s: party %zu has another one than this party; all parties must "
                                 "be started with the same";
    if (memcmp(theirs->number, ours->number, 8) != 0) {
        return mismatch(err, j, AGREE, "number of the run", get_le64(theirs->number),
                        get_le64(ours->number));
    }
    if (memcmp(theirs->circuit, ours->circuit, WHIST_HASH_LEN) != 0) {
        return whist_fail(err, WHIST_ERR_MISMATCH, (int)j, AGREE, differ, "circuit", j);
    }
    if (memcmp(theirs->owners, ours->owners, WHIST_HASH_LEN) != 0) {
        return whist_fail(err, WHIST_ERR_MISMATCH, (int)j, AGREE, differ,
                          "assignment of inputs to parties (owners)", j);
    }
    if (memcmp(theirs->evaluator, ours->evaluator, 8) != 0) {
        return mismatch(err, j, AGREE, "evaluator", get_le64(theirs->evaluator),
                        get_le64(ours->evaluator));
    }
    if (memcmp(theirs->receivers, ours->receivers, 8) != 0) {
        return whist_fail(err, WHIST_ERR_MISMATCH, (int)j, AGREE,
                          "receivers of the output: party %zu has the set 0x%llx, this party has "
                          "0x%llx (bit i: party i)",
                          j, (unsigned long long)get_le64(theirs->receivers),
                          (unsigned long long)get_le64(ours->receivers));
    }
    if (memcmp(theirs->chunk, ours->chunk, 8) != 0) {
        return mismatch(err, j, AGREE, "chunk size", get_le64(theirs->chunk),
                        get_le64(ours->chunk));
    }
    return WHIST_OK;
}

static whist_status agree(struct run *r, struct whist_error *err)
{
    struct whist_session *s = r->s;
    struct terms all[MAX_N];
    write_terms(r, &all[s->me]);
    TRY(whist_broadcast_all(s, (uint8_t *)all, sizeof all[0], AGREE, err));
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        TRY(compare_terms(j, &all[j], &all[s->me], err));
    }
    return whist_echo(s, "agree.echo", err);
}

/* ---- Run ---- */

static whist_status bad_run(struct whist_error *err, const char *what)
{
    return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL, "%s", what);
}

static whist_status total_width(size_t *total_out, const uint32_t *widths, size_t n,
                                struct whist_error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        total += widths[i];
        if (total > INT32_MAX) {
            return bad_run(err, "the circuit has too many input or output bits");
        }
    }
    *total_out = total;
    return WHIST_OK;
}

/* Checks the caller's parameters; nothing is sent yet. */
static whist_status check_run(struct run *r, const uint8_t *outputs_out, struct whist_error *err)
{
    const struct whist_session *s = r->s;
    const struct whist_run *spec = r->spec;
    uint64_t everybody = s->n == 64 ? UINT64_MAX : ((uint64_t)1 << s->n) - 1;
    TRY(total_width(&r->n_input_bits, r->shape->input_widths, r->shape->n_inputs, err));
    TRY(total_width(&r->n_output_bits, r->shape->output_widths, r->shape->n_outputs, err));
    if (r->n_output_bits == 0) {
        return bad_run(err, "the circuit has no output");
    }
    size_t most_slots = SIZE_MAX / (2 * s->n_peers * sizeof(struct block)); /* of masks */
    if (r->shape->n_slots < r->n_input_bits || r->shape->n_slots > INT32_MAX ||
        r->shape->n_slots > most_slots) {
        return bad_run(err, "the circuit needs too many or too few slots");
    }
    if (spec->evaluator >= s->n) {
        return bad_run(err, "the evaluator is not one of the parties");
    }
    r->receivers = spec->receivers != 0 ? spec->receivers : everybody;
    if ((r->receivers & ~everybody) != 0) {
        return bad_run(err, "a receiver of the output is not one of the parties");
    }
    if ((r->receivers >> s->me & 1) != 0 && outputs_out == NULL) {
        return bad_run(err, "this party receives the output but gave no room for it");
    }
    return WHIST_OK;
}

static whist_status assign_owners(struct run *r, struct whist_error *err)
{
    size_t w = 0, own = 0;
    for (size_t k = 0; k < r->shape->n_inputs; k++) {
        size_t owner = r->spec->owners != NULL ? r->spec->owners[k] : k % r->s->n;
        if (owner >= r->s->n) {
            return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                              "the owner of input %zu is party %zu, but there are %zu parties", k,
                              owner, r->s->n);
        }
        own += owner == r->s->me ? r->shape->input_widths[k] : 0;
        for (uint32_t b = 0; b < r->shape->input_widths[k]; b++) {
            r->owner_of_bit[w++] = (uint8_t)owner;
        }
    }
    if (own != r->spec->n_inputs || (own != 0 && r->spec->inputs == NULL)) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "this party owns %zu input bits, but %zu were given", own,
                          r->spec->n_inputs);
    }
    return WHIST_OK;
}

static void assign_roles(struct run *r)
{
    r->evaluator = r->spec->evaluator;
    r->evaluates = r->evaluator == r->s->me;
    for (size_t i = 0; i < r->s->n; i++) {
        if (i != r->evaluator) {
            r->garblers[r->n_garblers++] = i;
        }
    }
    r->total_ands = r->shape->n_ands;
    r->chunk_ands =
        r->s->chunk_ands != 0 ? r->s->chunk_ands : whist_chunk_size(r->s->rho, r->shape->n_ands);
    r->mask_stride = 2 * r->s->n_peers;
    r->label_stride = r->evaluates ? r->n_garblers : 1;
    /* Whole bytes of permutation bits, and a message below WIRE_BLOCK. */
    r->table_gates = WIRE_BLOCK / (whist_row_len(r) + 1) / 8 * 8;
}

static whist_status alloc_run(struct run *r, struct whist_error *err)
{
    size_t n = r->shape->n_slots;
    r->owner_of_bit = whist_zalloc(r->n_input_bits, 1);
    r->masks = whist_alloc_aligned(n * r->mask_stride * sizeof(struct block));
    r->labels = whist_alloc_aligned(n * r->label_stride * sizeof(struct block));
    r->lambda = whist_zalloc(n, 1);
    r->stamp = whist_zalloc(n, sizeof *r->stamp);
    r->carry = whist_alloc(CARRY, sizeof *r->carry);
    uint64_t gates = r->shape->n_gates;
    size_t cap = gates != 0 && gates < CHUNK_MAX_GATES ? (size_t)gates : CHUNK_MAX_GATES;
    r->chunk.gates = whist_alloc(cap, sizeof *r->chunk.gates);
    r->gates_cap = cap;
    if (r->owner_of_bit == NULL || r->masks == NULL || r->labels == NULL || r->lambda == NULL ||
        r->stamp == NULL || r->carry == NULL || r->chunk.gates == NULL) {
        return whist_out_of_memory(err, "run");
    }
    memset(r->masks, 0, n * r->mask_stride * sizeof(struct block));
    memset(r->labels, 0, n * r->label_stride * sizeof(struct block));
    return WHIST_OK;
}

static void free_run(struct run *r)
{
    size_t n = r->shape->n_slots;
    whist_free(r->owner_of_bit);
    whist_free_aligned(r->masks, n * r->mask_stride * sizeof(struct block));
    whist_free_aligned(r->labels, n * r->label_stride * sizeof(struct block));
    whist_free(r->lambda);
    whist_free(r->stamp);
    whist_free(r->carry);
    whist_free(r->chunk.gates);
}

static whist_status protocol(struct run *r, uint8_t *outputs_out, struct whist_error *err)
{
    TRY(agree(r, err));
    r->s->runs++;
    if (!r->s->ready) {
        TRY(whist_setup(r->s, err));
    }
    TRY(whist_run_inputs(r, err));
    TRY(whist_run_chunks(r, err));
    return whist_run_outputs(r, outputs_out, err);
}

whist_status whist_session_run(struct whist_session *s, uint8_t *outputs_out,
                               const struct whist_run *spec, struct whist_error *err)
{
    struct whist_error local;
    struct run r = {.s = s, .spec = spec};
    bool refused = false; /* the caller's mistake: nothing was sent, the session lives on */
    err = err != NULL ? err : &local;
    if (s->dead) {
        return whist_fail(err, WHIST_ERR_CLOSED, WHIST_NO_PEER, NULL,
                          "the session has ended with an error; open a new one");
    }
    r.shape = spec->source->ops->shape(spec->source);
    TRY(check_run(&r, outputs_out, err));
    assign_roles(&r);
    whist_status st = alloc_run(&r, err);
    if (st == WHIST_OK) {
        st = assign_owners(&r, err);
        refused = st != WHIST_OK;
    }
    if (st == WHIST_OK) {
        st = spec->source->ops->rewind(spec->source, err);
    }
    if (st == WHIST_OK) {
        st = protocol(&r, outputs_out, err);
    }
    if (st != WHIST_OK && !refused) {
        st = end_session(s, err);
    }
    free_run(&r);
    return st;
}
