/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "channel/parcel.h"

struct parcel {
    struct whist_buffer body;
    struct post_view view; /* of body */
    struct frame_reader reader;
    uint32_t taken; /* messages */
};

struct parcel *whist_parcel_new(const struct post_view *view, struct whist_buffer *body)
{
    struct parcel *p = whist_alloc(1, sizeof *p);
    if (p != NULL) {
        *p = (struct parcel){.body = *body, .view = *view, .reader = {.view = &p->view}};
        *body = (struct whist_buffer){0};
    }
    return p;
}

whist_status whist_parcel_take(struct parcel **parcel, struct whist_buffer *msg_out,
                               const char *phase)
{
    struct parcel *p = *parcel;
    struct frame_reader r = p->reader;
    struct frame f;
    WHIST_REQUIRE(whist_frame_next(&r, &f));
    if (strncmp(phase, f.phase, f.phase_len) != 0 || phase[f.phase_len] != '\0') {
        return WHIST_ERR_PROTOCOL;
    }
    TRY(whist_buffer_append(msg_out, f.payload.data, f.payload.len));
    p->reader = r;
    p->taken++;
    if (whist_parcel_count(p) == 0) {
        whist_parcel_free(p);
        *parcel = NULL;
    }
    return WHIST_OK;
}

uint64_t whist_parcel_next(const struct parcel *p, char label_out[WHIST_MAX_PHASE + 1])
{
    struct frame_reader r = p->reader;
    struct frame f;
    WHIST_REQUIRE(whist_frame_next(&r, &f));
    memcpy(label_out, f.phase, f.phase_len);
    label_out[f.phase_len] = '\0';
    return p->view.tail.first_message + p->taken;
}

uint32_t whist_parcel_count(const struct parcel *p)
{
    return p->view.tail.n_frames - p->taken;
}

void whist_parcel_free(struct parcel *p)
{
    if (p != NULL) {
        whist_pool_free(p->body.data, p->body.cap, p->body.len);
        whist_free(p);
    }
}
