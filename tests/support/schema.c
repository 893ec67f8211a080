/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "schema.h"

#include <regex.h>
#include <stdint.h>

#include "harness.h"

struct check {
    const json_t *root;
    char *why;
    size_t why_size;
};

static bool holds(struct check *c, const json_t *schema, const json_t *value);

static bool fails(struct check *c, const char *keyword, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    snprintf(c->why, c->why_size, "%s does not hold for %.200s", keyword, text);
    free(text);
    return false;
}

static bool has_type(const char *type, const json_t *value)
{
    return strcmp(type, "object") == 0    ? json_is_object(value)
           : strcmp(type, "array") == 0   ? json_is_array(value)
           : strcmp(type, "string") == 0  ? json_is_string(value)
           : strcmp(type, "integer") == 0 ? json_is_integer(value)
                                          : false;
}

static bool matches(const char *pattern, const json_t *value)
{
    regex_t re;
    CHECK(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) == 0);
    bool ok = !json_is_string(value) || regexec(&re, json_string_value(value), 0, NULL, 0) == 0;
    regfree(&re);
    return ok;
}

static bool one_of(struct check *c, const json_t *list, const json_t *value)
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        n += holds(c, json_array_get(list, i), value);
    }
    return n == 1;
}

static bool required(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_object_get(value, json_string_value(json_array_get(list, i))) == NULL) {
            return false;
        }
    }
    return true;
}

static bool properties(struct check *c, const json_t *schema, const json_t *value)
{
    const json_t *known = json_object_get(schema, "properties");
    const char *key;
    json_t *inner;
    json_object_foreach((json_t *)(uintptr_t)value, key, inner)
    {
        const json_t *one = json_object_get(known, key);
        if (one == NULL && json_is_false(json_object_get(schema, "additionalProperties"))) {
            return fails(c, "additionalProperties", value);
        }
        if (one != NULL && !holds(c, one, inner)) {
            return false;
        }
    }
    return true;
}

static bool items(struct check *c, const json_t *schema, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!holds(c, schema, json_array_get(value, i))) {
            return false;
        }
    }
    return true;
}

/* One keyword; what it does not apply to holds. */
static bool keyword_holds(struct check *c, const char *key, const json_t *rule,
                          const json_t *schema, const json_t *value)
{
    json_int_t n = json_integer_value(rule);
    if (strcmp(key, "$ref") == 0) {
        const char *name = json_string_value(rule);
        CHECK(strncmp(name, "#/$defs/", 8) == 0);
        const json_t *inner = json_object_get(json_object_get(c->root, "$defs"), name + 8);
        CHECK(inner != NULL);
        return holds(c, inner, value);
    }
    if (strcmp(key, "properties") == 0 || strcmp(key, "additionalProperties") == 0) {
        return !json_is_object(value) || properties(c, schema, value);
    }
    if (strcmp(key, "items") == 0) {
        return !json_is_array(value) || items(c, rule, value);
    }
    bool ok =
        strcmp(key, "type") == 0        ? has_type(json_string_value(rule), value)
        : strcmp(key, "const") == 0     ? json_equal(rule, value) == 1
        : strcmp(key, "pattern") == 0   ? matches(json_string_value(rule), value)
        : strcmp(key, "oneOf") == 0     ? one_of(c, rule, value)
        : strcmp(key, "required") == 0  ? !json_is_object(value) || required(rule, value)
        : strcmp(key, "minItems") == 0  ? (json_int_t)json_array_size(value) >= n
        : strcmp(key, "maxItems") == 0  ? (json_int_t)json_array_size(value) <= n
        : strcmp(key, "maxLength") == 0 ? (json_int_t)json_string_length(value) <= n
        : strcmp(key, "minimum") == 0   ? !json_is_integer(value) || json_integer_value(value) >= n
        : strcmp(key, "maximum") == 0   ? !json_is_integer(value) || json_integer_value(value) <= n
                                        : false;
    return ok || fails(c, key, value);
}

static bool holds(struct check *c, const json_t *schema, const json_t *value)
{
    static const char *const notes[] = {"$schema", "$id",         "$defs",
                                        "title",   "description", "$comment"};
    const char *key;
    json_t *rule;
    if (json_is_boolean(schema)) {
        return json_is_true(schema) || fails(c, "false", value);
    }
    CHECK(json_is_object(schema));
    json_object_foreach((json_t *)(uintptr_t)schema, key, rule)
    {
        bool note = false;
        for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
            note = note || strcmp(key, notes[i]) == 0;
        }
        if (!note && !keyword_holds(c, key, rule, schema, value)) {
            return false;
        }
    }
    return true;
}

bool schema_holds(const json_t *schema, const json_t *value, char *why, size_t why_size)
{
    struct check c = {schema, why, why_size};
    return holds(&c, schema, value);
}
