// A handler of wasi:http 0.2: /echo, /fetch and /trap as in testdata/guests/wasip2/http, else hello. Bodies go from
// stream to stream by splice. /fetch sends no body.

#include <stdlib.h>
#include <string.h>

#include "proxy.h"

typedef wasi_http_types_own_fields_t fields_t;
typedef wasi_http_types_own_incoming_request_t request_t;
typedef wasi_http_types_own_incoming_response_t response_t;
typedef wasi_http_types_own_outgoing_body_t body_t;
typedef wasi_http_types_own_response_outparam_t outparam_t;
typedef wasi_io_streams_own_output_stream_t output_t;

// must ends the guest when something fails that cannot.
static void must(bool ok) {
    if (!ok) abort();
}

// text is a text as calls take it, which they do not change.
static proxy_string_t text(const char *s) { return (proxy_string_t){(uint8_t *)s, strlen(s)}; }

static wasi_http_types_field_value_t value(const char *s) {
    return (wasi_http_types_field_value_t){(uint8_t *)s, strlen(s)};
}

static bool is(proxy_string_t s, const char *other) {
    return s.len == strlen(other) && memcmp(s.ptr, other, s.len) == 0;
}

static bool starts(proxy_string_t s, const char *with) {
    return s.len >= strlen(with) && memcmp(s.ptr, with, strlen(with)) == 0;
}

static void append(fields_t fields, const char *name, wasi_http_types_field_value_t to) {
    proxy_string_t key = text(name);
    wasi_http_types_header_error_t error;
    must(wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &key, &to, &error));
}

// answer sends the head of a response, and returns its body.
static body_t answer(outparam_t out, uint16_t status, fields_t fields) {
    wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false};
    wasi_http_types_own_outgoing_response_t response = wasi_http_types_constructor_outgoing_response(fields);
    wasi_http_types_borrow_outgoing_response_t borrowed = wasi_http_types_borrow_outgoing_response(response);
    body_t body;
    must(wasi_http_types_method_outgoing_response_set_status_code(borrowed, status));
    must(wasi_http_types_method_outgoing_response_body(borrowed, &body));
    result.val.ok = response;
    wasi_http_types_static_response_outparam_set(out, &result);
    return body;
}

static output_t writer(body_t body) {
    output_t stream;
    must(wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &stream));
    return stream;
}

static void finish(body_t body, fields_t *trailers) {
    wasi_http_types_error_code_t error;
    if (!wasi_http_types_static_outgoing_body_finish(body, trailers, &error)) wasi_http_types_error_code_free(&error);
}

static void say(outparam_t out, uint16_t status, const char *what) {
    fields_t fields = wasi_http_types_constructor_fields();
    append(fields, "content-type", value("text/plain"));
    body_t body = answer(out, status, fields);
    output_t stream = writer(body);
    proxy_list_u8_t content = {(uint8_t *)what, strlen(what)};
    wasi_io_streams_stream_error_t error;
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(stream),
                                                                       &content, &error))
        wasi_io_streams_stream_error_free(&error);
    wasi_io_streams_output_stream_drop_own(stream);
    finish(body, NULL);
}

// copy sends on what comes in, to its end. Whether that was an end is what it returns; length is how far it came.
static bool copy(wasi_http_types_own_incoming_body_t incoming, body_t body, uint64_t *length) {
    wasi_io_streams_own_input_stream_t from;
    must(wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(incoming), &from));
    output_t to = writer(body);
    wasi_io_streams_stream_error_t error;
    uint64_t n;
    *length = 0;
    while (wasi_io_streams_method_output_stream_blocking_splice(wasi_io_streams_borrow_output_stream(to),
                                                                wasi_io_streams_borrow_input_stream(from), 1 << 16, &n,
                                                                &error))
        *length += n;
    bool closed = error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
    wasi_io_streams_stream_error_free(&error);
    wasi_io_streams_input_stream_drop_own(from);
    wasi_io_streams_output_stream_drop_own(to);
    return closed;
}

// copied are the fields that say something of a body or of the answer, not those of the connection.
static fields_t copied(fields_t from) {
    wasi_http_types_list_tuple2_field_key_field_value_t entries;
    wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(from), &entries);
    fields_t fields = wasi_http_types_constructor_fields();
    for (size_t i = 0; i < entries.len; i++) {
        proxy_string_t name = entries.ptr[i].f0;
        wasi_http_types_header_error_t error;
        if ((starts(name, "x-") && !is(name, "x-url")) || is(name, "content-type") || is(name, "trailer"))
            must(wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &name, &entries.ptr[i].f1,
                                                      &error));
    }
    wasi_http_types_list_tuple2_field_key_field_value_free(&entries);
    wasi_http_types_fields_drop_own(from);
    return fields;
}

static fields_t headers(request_t request) {
    return wasi_http_types_method_incoming_request_headers(wasi_http_types_borrow_incoming_request(request));
}

static void echo(request_t request, outparam_t out) {
    wasi_http_types_own_incoming_body_t incoming;
    must(wasi_http_types_method_incoming_request_consume(wasi_http_types_borrow_incoming_request(request), &incoming));
    fields_t fields = wasi_http_types_constructor_fields(), from = headers(request), trailers;
    proxy_string_t type = text("content-type");
    wasi_http_types_list_field_value_t types;
    wasi_http_types_method_fields_get(wasi_http_types_borrow_fields(from), &type, &types);
    for (size_t i = 0; i < types.len; i++) append(fields, "content-type", types.ptr[i]);
    wasi_http_types_list_field_value_free(&types);
    wasi_http_types_fields_drop_own(from);
    append(fields, "trailer", value("x-bytes"));
    body_t body = answer(out, 200, fields);
    uint64_t length;
    bool whole = copy(incoming, body, &length);
    wasi_http_types_incoming_body_drop_own(incoming);
    if (!whole) {
        wasi_http_types_outgoing_body_drop_own(body);
        return;
    }
    char digits[24], *digit = digits + sizeof digits - 1;
    *digit = 0;
    do *--digit = (char)('0' + length % 10);
    while (length /= 10);
    trailers = wasi_http_types_constructor_fields();
    append(trailers, "x-bytes", value(digit));
    finish(body, &trailers);
}

// send sends a GET for the URL in the field x-url, and waits for the response; false if there is none.
static bool send(request_t request, response_t *response) {
    fields_t from = headers(request);
    proxy_string_t name = text("x-url");
    wasi_http_types_list_field_value_t urls;
    wasi_http_types_method_fields_get(wasi_http_types_borrow_fields(from), &name, &urls);
    wasi_http_types_own_outgoing_request_t onward = wasi_http_types_constructor_outgoing_request(copied(from));
    wasi_http_types_borrow_outgoing_request_t borrowed = wasi_http_types_borrow_outgoing_request(onward);
    must(urls.len == 1 && urls.ptr[0].len > 7);
    proxy_string_t authority = {urls.ptr[0].ptr + 7, 0}, path = text("/"); // after http://
    size_t rest = urls.ptr[0].len - 7;
    while (authority.len < rest && authority.ptr[authority.len] != '/') authority.len++;
    if (authority.len < rest) path = (proxy_string_t){authority.ptr + authority.len, rest - authority.len};
    wasi_http_types_scheme_t scheme = {.tag = WASI_HTTP_TYPES_SCHEME_HTTP};
    must(wasi_http_types_method_outgoing_request_set_scheme(borrowed, &scheme));
    must(wasi_http_types_method_outgoing_request_set_authority(borrowed, &authority));
    must(wasi_http_types_method_outgoing_request_set_path_with_query(borrowed, &path));
    wasi_http_types_list_field_value_free(&urls);

    wasi_http_types_own_future_incoming_response_t future;
    wasi_http_types_error_code_t error;
    if (!wasi_http_outgoing_handler_handle(onward, NULL, &future, &error)) {
        wasi_http_types_error_code_free(&error);
        return false;
    }
    wasi_http_types_borrow_future_incoming_response_t waiting = wasi_http_types_borrow_future_incoming_response(future);
    wasi_io_poll_own_pollable_t ready = wasi_http_types_method_future_incoming_response_subscribe(waiting);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
    wasi_io_poll_pollable_drop_own(ready);
    wasi_http_types_result_result_own_incoming_response_error_code_void_t result;
    must(wasi_http_types_method_future_incoming_response_get(waiting, &result) && !result.is_err);
    wasi_http_types_future_incoming_response_drop_own(future);
    if (result.val.ok.is_err) {
        wasi_http_types_error_code_free(&result.val.ok.val.err);
        return false;
    }
    *response = result.val.ok.val.ok;
    return true;
}

static void fetch(request_t request, outparam_t out) {
    response_t response;
    if (!send(request, &response)) {
        say(out, 502, "no answer\n");
        return;
    }
    wasi_http_types_borrow_incoming_response_t borrowed = wasi_http_types_borrow_incoming_response(response);
    wasi_http_types_own_incoming_body_t incoming;
    must(wasi_http_types_method_incoming_response_consume(borrowed, &incoming));
    body_t body = answer(out, wasi_http_types_method_incoming_response_status(borrowed),
                         copied(wasi_http_types_method_incoming_response_headers(borrowed)));
    wasi_http_types_incoming_response_drop_own(response);
    uint64_t length;
    bool whole = copy(incoming, body, &length);
    wasi_http_types_incoming_body_drop_own(incoming);
    if (whole)
        finish(body, NULL);
    else
        wasi_http_types_outgoing_body_drop_own(body);
}

void exports_wasi_http_incoming_handler_handle(request_t request, outparam_t out) {
    wasi_http_types_borrow_incoming_request_t borrowed = wasi_http_types_borrow_incoming_request(request);
    proxy_string_t path;
    if (!wasi_http_types_method_incoming_request_path_with_query(borrowed, &path)) path = (proxy_string_t){0};
    if (is(path, "/echo"))
        echo(request, out);
    else if (is(path, "/fetch"))
        fetch(request, out);
    else if (is(path, "/trap"))
        abort();
    else
        say(out, 200, "Hello from C\n");
    proxy_string_free(&path);
    wasi_http_types_incoming_request_drop_own(request);
}
