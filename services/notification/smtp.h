/* The mail driver's own files: smtp.c sends, login.c signs in. */
#ifndef HEARBACK_NOTIFICATION_SMTP_H
#define HEARBACK_NOTIFICATION_SMTP_H

#include "base/arena.h"
#include "hearback/config.pb-c.h"

bool smtp_is_loopback(const char *url);
/* Gives a transfer (CURL) the user and password of the configuration, if there are any, and asks for TLS where they
   would leave this machine. False: `why_out` says what is wrong with the password's file. */
bool smtp_login(void *easy, const Config__Smtp *config, struct arena *arena, const char **why_out);

#endif
