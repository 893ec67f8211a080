/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Files that say who a party is: keys, cards, sessions, tokens. */
#ifndef WHIST_CLI_KEYS_H
#define WHIST_CLI_KEYS_H

#include "cli.h"

/* Room for the name of a file that is made from a name or prefix. */
#define PATH_BYTES 4096

/* Loads the identity of --key and --cert. Without --key it is NAME.key (name may be NULL: then
 * --key is needed); without --cert what has .crt in the place of .key, if there is such a file,
 * else the certificate stands in the file of the key. */
whist_status key_load(struct whist_identity **out, const struct args *args, const char *name,
                      struct whist_error *err);
whist_status card_load(struct whist_card **out, const char *path, struct whist_error *err);
whist_status session_load(struct whist_session_file **out, const char *path,
                          struct whist_error *err);
/* The first line of the file, which must be secret: 16 … 256 printable bytes without blanks. A NUL
 * stands behind it. */
whist_status token_load(struct whist_buffer *out, const char *path, struct whist_error *err);

/* "2036-11-22", a day in UTC; text has room for 32 bytes. */
const char *date_text(char *text, int64_t seconds);

#endif
