/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/** @file
 * Everything: one header for programs that use libwhist.
 */
#ifndef WHIST_WHIST_H
#define WHIST_WHIST_H

#include <whist/bytes.h>
#include <whist/channel.h>
#include <whist/circuit.h>
#include <whist/http.h>
#include <whist/identity.h>
#include <whist/lang.h>
#include <whist/log.h>
#include <whist/mpc.h>
#include <whist/status.h>

#endif
