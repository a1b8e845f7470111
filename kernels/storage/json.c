#include "storage/json.h"

#include <string.h>

#include "storage/error.h"
#include "utf8.h"

bp_status bp_json_malformed(const bp_json *json, const char *message) {
    return bp_file_malformed(json->error, json->offset + json->at, "%s", message);
}

void bp_json_blanks(bp_json *json) {
    while (json->at < json->size && memchr(" \t\n\r", json->text[json->at], 4))
        json->at++;
}

bool bp_json_accept(bp_json *json, char sign) {
    bp_json_blanks(json);
    const bool found = json->at < json->size && json->text[json->at] == (unsigned char)sign;
    json->at += found;
    return found;
}

bp_status bp_json_expect(bp_json *json, char sign) {
    if (bp_json_accept(json, sign))
        return BP_OK;
    return bp_file_malformed(json->error, json->offset + json->at, "the header has no '%c' where one must be", sign);
}

/* After a member or element: whether another one follows. `close` is the sign after the last. */
static bp_status read_more(bp_json *json, char close, bool *more) {
    *more = bp_json_accept(json, ',');
    return *more ? BP_OK : bp_json_expect(json, close);
}

bp_status bp_json_each(bp_json *json, char open, char close, bp_json_read *read, void *context) {
    bp_status status = bp_json_expect(json, open);
    bool more = status == BP_OK && !bp_json_accept(json, close);
    while (status == BP_OK && more) {
        status = read(json, context);
        if (status == BP_OK)
            status = read_more(json, close, &more);
    }
    return status;
}

bp_status bp_json_end(bp_json *json) {
    bp_json_blanks(json);
    return json->at == json->size ? BP_OK : bp_json_malformed(json, "the header goes on after its end");
}

static int hex_digit(unsigned char sign) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = sign ? strchr(digits, sign) : NULL;
    return found ? (int)((found - digits) % 16) : -1;
}

/* Four hexadecimal digits. */
static bp_status read_unit(bp_json *json, uint32_t *unit) {
    *unit = 0;
    for (int k = 0; k < 4; k++) { /* the NUL after the text is no digit */
        const int digit = hex_digit(json->text[json->at]);
        if (digit < 0)
            return bp_json_malformed(json, "\\u without four hexadecimal digits in the header");
        *unit = *unit << 4 | (uint32_t)digit;
        json->at++;
    }
    return BP_OK;
}

/* An escape after \u, as UTF-8. A pair of surrogates is one character. */
static bp_status read_code(bp_json *json, unsigned char **to) {
    uint32_t code, low;
    bp_status status = read_unit(json, &code);
    if (status != BP_OK)
        return status;
    if (code >= 0xd800 && code <= 0xdfff) {
        if (code > 0xdbff || json->text[json->at] != '\\' || json->text[json->at + 1] != 'u')
            return bp_json_malformed(json, "half a surrogate pair in the header");
        json->at += 2;
        if ((status = read_unit(json, &low)) != BP_OK)
            return status;
        if (low < 0xdc00 || low > 0xdfff)
            return bp_json_malformed(json, "half a surrogate pair in the header");
        code = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
    }
    if (code == 0)
        return bp_json_malformed(json, "a NUL in a text of the header");
    if (code < 0x80) {
        *(*to)++ = (unsigned char)code;
        return BP_OK;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xc0, 0xe0, 0xf0};
    *(*to)++ = (unsigned char)(first[more] | code >> (6 * more));
    for (int k = more - 1; k >= 0; k--)
        *(*to)++ = (unsigned char)(0x80 | (code >> (6 * k) & 0x3f));
    return BP_OK;
}

static bp_status read_escape(bp_json *json, unsigned char **to) {
    static const char signs[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const unsigned char sign = json->text[json->at];
    if (sign == 'u') {
        json->at++;
        return read_code(json, to);
    }
    const char *found = sign ? strchr(signs, sign) : NULL;
    if (!found)
        return bp_json_malformed(json, "an unknown escape in the header");
    json->at++;
    *(*to)++ = (unsigned char)meanings[found - signs];
    return BP_OK;
}

bp_status bp_json_string(bp_json *json, const char **string) {
    bp_status status = bp_json_expect(json, '"');
    unsigned char *to = json->text + json->at; /* decoded text is never longer */
    *string = (const char *)to;
    while (status == BP_OK) {
        const unsigned char *from = json->text + json->at;
        if (*from == '"') {
            json->at++;
            *to = '\0';
            return BP_OK;
        }
        const size_t length = bp_utf8_length(from);
        if (json->at == json->size) {
            status = bp_json_malformed(json, "a text of the header has no end");
        } else if (*from == '\\') {
            json->at++;
            status = read_escape(json, &to);
        } else if (*from < 0x20) {
            status = bp_json_malformed(json, "a control character in a text of the header");
        } else if (length == 0) {
            status = bp_json_malformed(json, "a text of the header is not UTF-8");
        } else {
            memmove(to, from, length);
            to += length;
            json->at += length;
        }
    }
    return status;
}

bp_status bp_json_whole(bp_json *json, uint64_t *number) {
    bp_json_blanks(json);
    const size_t begin = json->at;
    *number = 0;
    for (;; json->at++) { /* the NUL after the text is no digit */
        const unsigned digit = json->text[json->at] - (unsigned)'0';
        if (digit > 9)
            break;
        if (*number > (UINT64_MAX - digit) / 10)
            return bp_json_malformed(json, "a number of the header is too large");
        *number = *number * 10 + digit;
    }
    const size_t digits = json->at - begin;
    if (digits == 0)
        return bp_json_malformed(json, "the header has no whole number where one must be");
    if (digits > 1 && json->text[begin] == '0')
        return bp_json_malformed(json, "a number of the header begins with 0");
    return BP_OK;
}

bool bp_json_word(bp_json *json, const char *word) {
    bp_json_blanks(json);
    const size_t length = strlen(word);
    const bool found = strncmp((const char *)json->text + json->at, word, length) == 0;
    json->at += found ? length : 0;
    return found;
}

/* ---- Values that are skipped ---------------------------------------------------------------------------------- */

static bool skip_digits(bp_json *json) {
    const size_t begin = json->at;
    while (json->text[json->at] >= '0' && json->text[json->at] <= '9')
        json->at++;
    return json->at > begin;
}

static bp_status skip_number(bp_json *json) {
    json->at += json->text[json->at] == '-';
    const size_t begin = json->at;
    bool valid = skip_digits(json) && (json->text[begin] != '0' || json->at == begin + 1);
    if (valid && json->text[json->at] == '.') {
        json->at++;
        valid = skip_digits(json);
    }
    if (valid && (json->text[json->at] == 'e' || json->text[json->at] == 'E')) {
        json->at++;
        json->at += json->text[json->at] == '+' || json->text[json->at] == '-';
        valid = skip_digits(json);
    }
    return valid ? BP_OK : bp_json_malformed(json, "the header has no value where one must be");
}

static bp_status skip_scalar(bp_json *json) {
    const char *string;
    bp_json_blanks(json);
    if (json->text[json->at] == '"')
        return bp_json_string(json, &string);
    if (bp_json_word(json, "null") || bp_json_word(json, "true") || bp_json_word(json, "false"))
        return BP_OK;
    return skip_number(json);
}

bp_status bp_json_skip(bp_json *json) {
    char close[BP_JSON_DEPTH]; /* the closing brackets of open values */
    size_t depth = 0;
    bp_status status = BP_OK;
    do {
        const char opened = bp_json_accept(json, '{') ? '}' : bp_json_accept(json, '[') ? ']' : '\0';
        bool more = opened && !bp_json_accept(json, opened);
        if (opened && depth == BP_JSON_DEPTH)
            return bp_json_malformed(json, "a value of the header nests too deeply");
        if (more)
            close[depth++] = opened;
        else if (!opened)
            status = skip_scalar(json);
        while (status == BP_OK && !more && depth > 0) {
            status = read_more(json, close[depth - 1], &more);
            depth -= !more;
        }
        const char *key;
        if (status == BP_OK && depth > 0 && close[depth - 1] == '}' && (status = bp_json_string(json, &key)) == BP_OK)
            status = bp_json_expect(json, ':');
    } while (status == BP_OK && depth > 0);
    return status;
}
