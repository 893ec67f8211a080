/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "channel/session_json.h"

#include <stdarg.h>
#include <stdio.h>

#define SOURCE_MAX 120 /* bytes of a file's name in an error */

/* ---- Errors ---- */

static whist_status fail_as(const struct json_reader *r, whist_status status, const char *text)
{
    char place[SOURCE_MAX + 32] = "";
    int at = 0;
    if (r->source != NULL) {
        at = snprintf(place, sizeof place, "%.*s: ", SOURCE_MAX, r->source);
    }
    if (r->party != WHIST_NO_PEER) {
        snprintf(place + at, sizeof place - (size_t)at, "party %d: ", r->party);
    }
    return whist_fail(r->err, status, r->party, NULL, "%s%s", place, text);
}

whist_status whist_json_fail(const struct json_reader *r, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return fail_as(r, r->bad, text);
}

/* ---- Reading ---- */

static whist_status check_head(const struct json_reader *r, const json_t *root, const char *kind)
{
    const char *is = json_string_value(json_object_get(root, "whist"));
    const json_t *version = json_object_get(root, "version");
    char text[160];
    if (is == NULL) {
        return whist_json_fail(r, "no %s of whist: it has no \"whist\": \"%s\"", kind, kind);
    }
    if (strcmp(is, kind) != 0) {
        return whist_json_fail(r, "a %.40s, where a %s is expected", is, kind);
    }
    if (!json_is_integer(version)) {
        return whist_json_fail(r, "\"version\" is missing or no whole number");
    }
    if (json_integer_value(version) != WHIST_FILE_VERSION) {
        snprintf(text, sizeof text, "version %lld of this kind of file; this program knows %d",
                 (long long)json_integer_value(version), WHIST_FILE_VERSION);
        return fail_as(r, WHIST_ERR_UNSUPPORTED, text);
    }
    return WHIST_OK;
}

whist_status whist_json_parse(const struct json_reader *r, json_t **root_out,
                              struct whist_bytes text, const char *kind)
{
    json_error_t why;
    if (text.len > WHIST_SESSION_FILE_MAX) {
        return fail_as(r, WHIST_ERR_LIMIT, "too long: at most 1 MiB is read");
    }
    json_t *root = json_loadb(text.len != 0 ? (const char *)text.data : "", text.len,
                              JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) { /* jansson says what is wrong with the text; nothing if it had no memory */
        return why.text[0] == '\0' || json_error_code(&why) == json_error_out_of_memory
                   ? fail_as(r, WHIST_ERR_NOMEM, "out of memory")
                   : whist_json_fail(r, "line %d: %s", why.line, why.text);
    }
    whist_status st =
        json_is_object(root) ? check_head(r, root, kind) : whist_json_fail(r, "no JSON object");
    if (st != WHIST_OK) {
        json_decref(root);
        return st;
    }
    *root_out = root;
    return WHIST_OK;
}

whist_status whist_json_check_fields(const struct json_reader *r, const json_t *object,
                                     const char *const *known)
{
    /* jansson's iterators take a pointer that is not const, but change nothing. */
    json_t *mutable_object = (json_t *)(uintptr_t)object;
    for (void *it = json_object_iter(mutable_object); it != NULL;
         it = json_object_iter_next(mutable_object, it)) {
        const char *key = json_object_iter_key(it);
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], key) != 0) {
            i++;
        }
        if (known[i] == NULL) {
            return whist_json_fail(r, "unknown field \"%.60s\"", key);
        }
    }
    return WHIST_OK;
}

whist_status whist_json_string(const struct json_reader *r, const json_t *object, const char *field,
                               bool required, const char **text_out)
{
    const json_t *value = json_object_get(object, field);
    if (value == NULL) {
        return required ? whist_json_fail(r, "\"%s\" is missing", field) : WHIST_OK;
    }
    if (!json_is_string(value)) {
        return whist_json_fail(r, "\"%s\" is no string", field);
    }
    *text_out = json_string_value(value);
    return WHIST_OK;
}

/* ---- Writing ---- */

bool whist_json_put_string(json_t *object, const char *field, const char *text)
{
    return json_object_set_new(object, field, json_string(text)) == 0;
}

bool whist_json_put_head(json_t *object, const char *kind)
{
    return whist_json_put_string(object, "whist", kind) &&
           json_object_set_new(object, "version", json_integer(WHIST_FILE_VERSION)) == 0;
}

/* Where json_dump_callback writes to. */
static int append(const char *bytes, size_t len, void *to)
{
    return whist_buffer_append(to, bytes, len) == WHIST_OK ? 0 : -1;
}

whist_status whist_json_write(struct whist_buffer *text_out, const json_t *root,
                              struct whist_error *err)
{
    struct whist_buffer text = {0};
    whist_status st = WHIST_OK;
    if (json_dump_callback(root, append, &text, JSON_INDENT(2)) != 0 ||
        append("\n", 1, &text) != 0 ||
        whist_buffer_append(text_out, text.data, text.len) != WHIST_OK) {
        st = whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "JSON: out of memory");
    }
    whist_buffer_clear(&text);
    return st;
}
