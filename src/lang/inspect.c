/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The public face of the language: what a program is, and how a run ended. */
#include "lang/exec.h"
#include "lang/interp.h"
#include "lang/program.h"

static struct whist_bytes name_bytes(const struct lang_name *name)
{
    return whist_bytes(name->text, name->len);
}

/* ---- Before binding ---- */

bool whist_program_wanted(const struct whist_program *p, size_t k, struct whist_bytes *party_out,
                          struct whist_bytes *name_out, const char **type_out)
{
    if (k >= p->unit->n_wanted) {
        return false;
    }
    const struct lang_wanted *w = &p->unit->wanted[k];
    *party_out = name_bytes(w->party);
    *name_out = name_bytes(w->name);
    *type_out = lang_type_text(p->unit, w->type);
    return true;
}

const char *whist_program_file(const struct whist_program *p)
{
    return p->unit->file;
}

bool whist_program_fn(const struct whist_program *p, size_t k, struct whist_bytes *name_out)
{
    for (uint32_t i = 0; i < p->unit->n_fns; i++) {
        if (p->unit->fns[i]->pub && k-- == 0) {
            *name_out = name_bytes(p->unit->fns[i]->name);
            return true;
        }
    }
    return false;
}

/* ---- Types ---- */

whist_type_kind whist_type_kind_of(const struct whist_type *t)
{
    switch (program_type(t)->kind) {
    case TYPE_BOOL:
        return WHIST_TYPE_BOOL;
    case TYPE_TUPLE:
        return WHIST_TYPE_TUPLE;
    case TYPE_ARRAY:
        return WHIST_TYPE_ARRAY;
    case TYPE_STRUCT:
        return WHIST_TYPE_STRUCT;
    case TYPE_ENUM:
        return WHIST_TYPE_ENUM;
    default:
        return lang_is_signed(program_type(t)) ? WHIST_TYPE_SIGNED : WHIST_TYPE_UNSIGNED;
    }
}

uint64_t whist_type_bits(const struct whist_type *t)
{
    return program_type(t)->bits;
}

const char *whist_type_text(const struct whist_program *p, const struct whist_type *t)
{
    return lang_type_text(p->unit, program_type(t));
}

uint64_t whist_type_n_parts(const struct whist_type *t)
{
    const struct lang_type *l = program_type(t);

    switch (l->kind) {
    case TYPE_TUPLE:
        return l->n_parts;
    case TYPE_ARRAY:
        return array_len(l);
    case TYPE_STRUCT:
        return l->strct->n_fields;
    case TYPE_ENUM:
        return l->enm->n_variants;
    default:
        return 0;
    }
}

const struct whist_type *whist_type_part(const struct whist_type *t, uint64_t k)
{
    const struct lang_type *l = program_type(t);

    WHIST_REQUIRE(k < whist_type_n_parts(t));
    switch (l->kind) {
    case TYPE_TUPLE:
        return public_type(l->parts[k]);
    case TYPE_ARRAY:
        return public_type(l->elem);
    case TYPE_STRUCT:
        return public_type(l->strct->fields[k].type);
    default:
        return NULL;
    }
}

struct whist_bytes whist_type_part_name(const struct whist_type *t, uint64_t k)
{
    const struct lang_type *l = program_type(t);

    WHIST_REQUIRE(k < whist_type_n_parts(t));
    switch (l->kind) {
    case TYPE_STRUCT:
        return name_bytes(l->strct->fields[k].name);
    case TYPE_ENUM:
        return name_bytes(l->enm->variants[k].name);
    default:
        return whist_bytes(NULL, 0);
    }
}

static const struct lang_variant *variant(const struct whist_type *t, uint64_t k)
{
    WHIST_REQUIRE(program_type(t)->kind == TYPE_ENUM && k < program_type(t)->enm->n_variants);
    return &program_type(t)->enm->variants[k];
}

size_t whist_type_n_fields(const struct whist_type *t, uint64_t variant_number)
{
    return variant(t, variant_number)->n_fields;
}

const struct whist_type *whist_type_field(const struct whist_type *t, uint64_t variant_number,
                                          size_t f)
{
    const struct lang_variant *v = variant(t, variant_number);

    WHIST_REQUIRE(f < v->n_fields);
    return public_type(v->fields[f]);
}

/* ---- After binding ---- */

size_t whist_program_n_parties(const struct whist_program *p)
{
    WHIST_REQUIRE(p->bound);
    return p->words.n_inputs;
}

const struct whist_type *whist_program_input_type(const struct whist_program *p, size_t party)
{
    WHIST_REQUIRE(p->bound && party < p->words.n_inputs);
    return exec_is_array_entry(p->entry) ? public_type(p->entry->params[0].local->type->elem)
                                         : public_type(p->entry->params[party].local->type);
}

struct whist_bytes whist_program_input_name(const struct whist_program *p, size_t party)
{
    WHIST_REQUIRE(p->bound && party < p->words.n_inputs);
    return name_bytes(p->entry->params[exec_is_array_entry(p->entry) ? 0 : party].name);
}

size_t whist_program_n_params(const struct whist_program *p)
{
    WHIST_REQUIRE(p->bound);
    return p->entry->n_params;
}

const struct whist_type *whist_program_param_type(const struct whist_program *p, size_t k)
{
    WHIST_REQUIRE(p->bound && k < p->entry->n_params);
    return public_type(p->entry->params[k].local->type);
}

const struct whist_type *whist_program_output_type(const struct whist_program *p)
{
    WHIST_REQUIRE(p->bound);
    return public_type(p->entry->result);
}

size_t whist_program_output_bits(const struct whist_program *p)
{
    WHIST_REQUIRE(p->bound);
    return (size_t)word_output_bits(&p->words);
}

/* ---- How a run ended ---- */

const char *whist_panic_reason_name(whist_panic_reason reason)
{
    static const char *const names[] = {[WHIST_PANIC_NONE] = "",
                                        [WHIST_PANIC_OVERFLOW] = "Overflow",
                                        [WHIST_PANIC_DIV_BY_ZERO] = "DivByZero",
                                        [WHIST_PANIC_OUT_OF_BOUNDS] = "OutOfBounds",
                                        [WHIST_PANIC_UNKNOWN] = "Unknown"};
    return reason <= WHIST_PANIC_UNKNOWN ? names[reason] : "";
}

size_t whist_program_n_sites(const struct whist_program *p)
{
    WHIST_REQUIRE(p->bound);
    return p->words.n_sites;
}

void whist_program_site(const struct whist_program *p, size_t site, struct whist_outcome *out)
{
    WHIST_REQUIRE(p->bound && site < p->words.n_sites);
    if (p->described) {
        *out = p->described_sites[site];
        return;
    }
    const struct word_site *s = &p->words.sites[site];
    *out = (struct whist_outcome){.reason = (whist_panic_reason)s->reason,
                                  .site = site,
                                  .place = program_place(p, p->unit->sites[s->origin].span)};
}

whist_status whist_program_outcome(const struct whist_program *p, const uint8_t *outputs,
                                   struct whist_outcome *out, struct whist_error *err)
{
    WHIST_REQUIRE(p->bound);
    const uint8_t *flag = outputs + word_result_bits(&p->words);
    uint64_t site = 0;

    if (p->panics == WHIST_PANICS_OFF || (*flag & 1) == 0) {
        *out = (struct whist_outcome){.reason = WHIST_PANIC_NONE};
        return WHIST_OK;
    }
    if (p->panics == WHIST_PANICS_FLAG) {
        *out = (struct whist_outcome){.reason = WHIST_PANIC_UNKNOWN};
        return WHIST_OK;
    }
    for (uint32_t k = 0; k < word_site_bits(p->words.n_sites); k++) {
        site = site << 1 | (flag[1 + k] & 1U);
    }
    if (site >= p->words.n_sites) {
        return whist_fail(err, WHIST_ERR_FORMAT, WHIST_NO_PEER, "output",
                          "a panic at a site that the program does not have");
    }
    whist_program_site(p, (size_t)site, out);
    return WHIST_OK;
}
