/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Input and output phases (docs/protocol.md §6). */
#include "mpc/run.h"

static const struct batch_phases INPUT_BATCH = {
    "input.cot", "input.check", "input.echo", {"input.coin.commit", "input.coin.open"}};

/* Memory of aShares outside of the arena. */
static whist_status alloc_shares(struct shares *x, const struct whist_session *s, size_t blocks,
                                 const char *phase, struct whist_error *err)
{
    *x = (struct shares){{NULL}, {NULL}};
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        x->mac[j] = whist_alloc_aligned(blocks * sizeof(struct block));
        x->key[j] = whist_alloc_aligned(blocks * sizeof(struct block));
        if (x->mac[j] == NULL || x->key[j] == NULL) {
            return whist_out_of_memory(err, phase);
        }
    }
    return WHIST_OK;
}

static void free_shares(struct shares *x, size_t blocks)
{
    for (size_t j = 0; j < MAX_N; j++) {
        whist_free_aligned(x->mac[j], blocks * sizeof(struct block));
        whist_free_aligned(x->key[j], blocks * sizeof(struct block));
    }
}

/* Copies the shares whose owner (or all, owner = SIZE_MAX) into dst, in order; returns their
 * number. */
static size_t select_shares(struct shares *dst, const struct shares *src, const struct run *r,
                            size_t owner)
{
    const struct whist_session *s = r->s;
    size_t count = 0;
    for (size_t w = 0; w < r->n_input_bits; w++) {
        if (r->owner_of_bit[w] != owner) {
            continue;
        }
        for (size_t p = 0; p < s->n_peers; p++) {
            size_t j = s->peers[p];
            dst->mac[j][count] = src->mac[j][w];
            dst->key[j][count] = src->key[j][w];
        }
        count++;
    }
    return count;
}

static void store_masks(struct run *r, const struct shares *x)
{
    const struct whist_session *s = r->s;
    for (size_t w = 0; w < r->n_input_bits; w++) {
        for (size_t p = 0; p < s->n_peers; p++) {
            r->masks[w * r->mask_stride + 2 * p] = x->mac[s->peers[p]][w];
            r->masks[w * r->mask_stride + 2 * p + 1] = x->key[s->peers[p]][w];
        }
    }
}

/* Opens every input mask to its owner; lam_out: packed λ of the own inputs. */
static whist_status open_input_masks(struct run *r, uint8_t *lam_out, const struct shares *x,
                                     struct shares *part, struct whist_error *err)
{
    for (size_t i = 0; i < r->s->n; i++) {
        size_t count = select_shares(part, x, r, i);
        TRY(whist_shares_open(r->s, lam_out, part, count, (uint64_t)1 << i, "input.open", err));
    }
    return WHIST_OK;
}

static size_t inputs_of(const struct run *r, size_t owner)
{
    size_t count = 0;
    for (size_t w = 0; w < r->n_input_bits; w++) {
        count += r->owner_of_bit[w] == owner;
    }
    return count;
}

/* Every owner broadcasts Λ = x ⊕ λ of its inputs; all are echoed before any label leaves (!). */
static whist_status broadcast_lambda(struct run *r, uint8_t *own, uint8_t *body,
                                     struct whist_error *err)
{
    struct whist_session *s = r->s;
    size_t own_bytes = (inputs_of(r, s->me) + 7) / 8;
    TAMPER(s, "input.lambda", WHIST_NO_PEER, own, own_bytes);
    for (size_t p = 0; p < s->n_peers && own_bytes != 0; p++) {
        TRY(whist_wire_send(s, s->peers[p], own, own_bytes, "input.lambda", err));
    }
    for (size_t i = 0; i < s->n; i++) {
        size_t n_bytes = (inputs_of(r, i) + 7) / 8, at = 0;
        const uint8_t *bits = i == s->me ? own : body;
        if (i != s->me && n_bytes != 0) {
            TRY(whist_wire_recv(s, i, body, n_bytes, "input.lambda", err));
        }
        if (!WEAK(s, WEAK_NO_INPUT_ECHO)) { /* else a later echo would close them */
            whist_echo_add(s, i, bits, n_bytes);
        }
        for (size_t w = 0; w < r->n_input_bits; w++) {
            if (r->owner_of_bit[w] == i) {
                r->lambda[w] = (uint8_t)(bits[at / 8] >> (at % 8) & 1);
                at++;
            }
        }
    }
    return WEAK(s, WEAK_NO_INPUT_ECHO) ? WHIST_OK : whist_echo(s, "input.lambda.echo", err);
}

static whist_status send_input_labels(struct run *r, struct whist_error *err)
{
    struct whist_session *s = r->s;
    struct whist_buffer msg = {0};
    size_t weak = WEAK(s, WEAK_CONSTANT_LABEL) ? 2 : 0; /* L_0 of the constants 0 and 1 */
    if (whist_buffer_resize(&msg, (r->n_input_bits + weak) * sizeof(struct block)) != WHIST_OK) {
        return whist_out_of_memory(err, "input.labels");
    }
    for (size_t c = 0; c < weak; c++) {
        block_store(msg.data + (r->n_input_bits + c) * sizeof(struct block),
                    block_and_bit(s->delta, c));
    }
    whist_prg_blocks(&s->rng, r->labels, r->n_input_bits); /* inputs are in the first slots */
    for (size_t w = 0; w < r->n_input_bits; w++) {
        struct block label = block_xor(r->labels[w], block_and_bit(s->delta, r->lambda[w]));
        block_store(msg.data + w * sizeof label, label);
    }
    TAMPER(s, "input.label", r->evaluator, msg.data, msg.len);
    whist_status st = whist_wire_send(s, r->evaluator, msg.data, msg.len, "input.labels", err);
    whist_buffer_clear(&msg);
    return st;
}

static whist_status recv_input_labels(struct run *r, struct whist_error *err)
{
    size_t count = r->n_input_bits + (WEAK(r->s, WEAK_CONSTANT_LABEL) ? 2 : 0);
    struct block *got = whist_alloc_aligned(count * sizeof *got);
    whist_status st = WHIST_OK;
    if (got == NULL) {
        return whist_out_of_memory(err, "input.labels");
    }
    for (size_t g = 0; g < r->n_garblers; g++) {
        TRY_OUT(
            whist_wire_recv(r->s, r->garblers[g], got, count * sizeof *got, "input.labels", err));
        for (size_t w = 0; w < r->n_input_bits; w++) {
            r->labels[w * r->label_stride + g] = got[w];
        }
    }
out:
    whist_free_aligned(got, count * sizeof *got);
    return st;
}

whist_status whist_run_inputs(struct run *r, struct whist_error *err)
{
    struct whist_session *s = r->s;
    size_t count = r->n_input_bits, blocks = whist_batch_words(count) * 128;
    struct shares all = {{NULL}, {NULL}}, part = {{NULL}, {NULL}};
    uint8_t *own = NULL, *body = NULL;
    whist_status st;
    if (count == 0) {
        return WHIST_OK;
    }
    TRY_OUT(alloc_shares(&all, s, blocks, "input.cot", err));
    TRY_OUT(alloc_shares(&part, s, count, "input.cot", err));
    own = whist_zalloc((count + 7) / 8, 1);
    body = whist_zalloc((count + 7) / 8, 1);
    if (own == NULL || body == NULL) {
        st = whist_out_of_memory(err, "input.open");
        goto out;
    }
    TRY_OUT(whist_ashares(s, &all, count, &INPUT_BATCH, err));
    store_masks(r, &all);
    TAMPER(s, "run.masks", WHIST_NO_PEER, r->masks, count * r->mask_stride * sizeof *r->masks);
    TRY_OUT(open_input_masks(r, own, &all, &part, err));
    for (size_t k = 0; k < r->spec->n_inputs; k++) {
        own[k / 8] = (uint8_t)(own[k / 8] ^ (r->spec->inputs[k] & 1) << (k % 8));
    }
    TRY_OUT(broadcast_lambda(r, own, body, err));
    TRY_OUT(r->evaluates ? recv_input_labels(r, err) : send_input_labels(r, err));
out:
    free_shares(&all, blocks);
    free_shares(&part, count);
    if (own != NULL) {
        whist_wipe(own, (count + 7) / 8); /* masks, where an error came before they met inputs */
    }
    whist_free(own);
    whist_free(body);
    return st;
}

whist_status whist_run_outputs(struct run *r, uint8_t *outputs_out, struct whist_error *err)
{
    struct whist_session *s = r->s;
    size_t count = r->n_output_bits;
    const uint32_t *slots = r->spec->source->ops->output_slots(r->spec->source);
    struct shares x;
    uint8_t *bits = whist_zalloc((count + 7) / 8, 1);
    whist_status st;
    TRY_OUT(alloc_shares(&x, s, count, "output.open", err));
    if (bits == NULL) {
        st = whist_out_of_memory(err, "output.open");
        goto out;
    }
    for (size_t k = 0; k < count; k++) {
        if (slots[k] >= r->shape->n_slots) {
            st = whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, "output.open",
                            "the gate source has output %zu in a slot that does not exist", k);
            goto out;
        }
        for (size_t p = 0; p < s->n_peers; p++) {
            const struct block *mask = r->masks + slots[k] * r->mask_stride + 2 * p;
            x.mac[s->peers[p]][k] = mask[0];
            x.key[s->peers[p]][k] = mask[1];
        }
    }
    TRY_OUT(whist_shares_open(s, bits, &x, count, r->receivers, "output.open", err));
    for (size_t k = 0; k < count && (r->receivers >> s->me & 1) != 0; k++) {
        outputs_out[k] = (uint8_t)((bits[k / 8] >> (k % 8) & 1) ^ r->lambda[slots[k]]);
    }
out:
    free_shares(&x, count);
    if (bits != NULL) {
        whist_wipe(bits, (count + 7) / 8); /* with the Λ they are the outputs */
    }
    whist_free(bits);
    return st;
}
