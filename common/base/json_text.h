/* A JSON text looked at before it is parsed (layer 0). jansson nests as deep as it is told and takes up to 80 bytes of
   memory for one ("[{},{},{}"); looked at beforehand, neither costs anything. */
#ifndef HEARBACK_BASE_JSON_TEXT_H
#define HEARBACK_BASE_JSON_TEXT_H

#include "base/bytes.h"

#define JSON_TEXT_DEPTH_MAX 32u

/* True: parsed, it is nested at most JSON_TEXT_DEPTH_MAX levels and takes at most 16 times its size and 1 MB. Whether
   it is JSON at all is for the parser to say. False: the line (from 1), and what is wrong. */
bool json_text_bounded(struct bytes text, unsigned *line_out, const char **why_out);

#endif
