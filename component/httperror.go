package component

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// HTTPErrorCode is the variant error-code of wasi:http/types: why a request or a response is none. Its Case is a name
// of WIT, such as connection-refused or HTTP-request-denied, and its Value that of the case: nil, a *uint64, and so on;
// a record is a map[string]any.
//
// A [http.RoundTripper] may return one, or an error that wraps one: the guest gets it. Guests may end a response with
// one: what the handler logs and observes then wraps it.
type HTTPErrorCode Variant

// Error writes the case, and its value.
func (e HTTPErrorCode) Error() string { return Variant(e).String() }

// code makes an error code without a value.
func code(name string) HTTPErrorCode { return HTTPErrorCode{Case: name} }

// codeOf makes an error code with a value.
func codeOf(name string, value any) HTTPErrorCode { return HTTPErrorCode{Case: name, Value: value} }

// internalError is the code for what guests are told nothing of.
func internalError() HTTPErrorCode { return code("internal-error") }

// systemCodes are the codes of errors of the operating system.
var systemCodes = []struct {
	err  error
	code string
}{
	{syscall.ECONNREFUSED, "connection-refused"},
	{syscall.ECONNRESET, "connection-terminated"},
	{syscall.ECONNABORTED, "connection-terminated"},
	{syscall.EPIPE, "connection-terminated"},
	{syscall.EHOSTUNREACH, "destination-IP-unroutable"},
	{syscall.ENETUNREACH, "destination-IP-unroutable"},
	{syscall.EADDRNOTAVAIL, "destination-unavailable"},
	{syscall.EMFILE, "connection-limit-reached"},
	{syscall.ENFILE, "connection-limit-reached"},
	{io.ErrUnexpectedEOF, "HTTP-response-incomplete"},
	{io.EOF, "connection-terminated"},
	{net.ErrClosed, "connection-terminated"},
	{http.ErrSchemeMismatch, "HTTP-protocol-error"},
	{http.ErrBodyReadAfterClose, "connection-terminated"},
}

// texts are what package net/http has no error values for.
var httpTexts = []struct{ text, code string }{
	{"server response headers exceeded", "HTTP-response-header-section-size"},
	{"unsupported transfer encoding", "HTTP-response-transfer-coding"},
	{"malformed", "HTTP-protocol-error"},
	{"http2: ", "HTTP-protocol-error"},
	{"chunked encoding", "HTTP-protocol-error"},
	{"TLS handshake timeout", "connection-timeout"},
	{"timeout awaiting response headers", "HTTP-response-timeout"},
}

// httpErrorCode returns the code for what went wrong with a request that a guest has made.
func httpErrorCode(err error) HTTPErrorCode {
	if known, ok := errors.AsType[HTTPErrorCode](err); ok {
		return known
	}
	if known, ok := tlsCode(err); ok {
		return known
	}
	if failed, ok := errors.AsType[*net.DNSError](err); ok {
		return dnsCode(failed)
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return codeOf("HTTP-request-body-size", uint64(tooLarge.Limit))
	}
	for _, known := range systemCodes {
		if errors.Is(err, known.err) {
			return code(known.code)
		}
	}
	failed, _ := errors.AsType[*net.OpError](err)
	timeout, _ := errors.AsType[net.Error](err)
	switch {
	case failed != nil && failed.Timeout() && failed.Op == "dial":
		return code("connection-timeout")
	case failed != nil && failed.Timeout() && failed.Op == "write":
		return code("connection-write-timeout")
	case failed != nil && failed.Timeout():
		return code("connection-read-timeout")
	case errors.Is(err, context.DeadlineExceeded), timeout != nil && timeout.Timeout():
		return code("HTTP-response-timeout")
	}
	for _, known := range httpTexts {
		if strings.Contains(err.Error(), known.text) {
			return code(known.code)
		}
	}
	return internalError()
}

// dnsCode is the code for a name that has not been resolved.
func dnsCode(failed *net.DNSError) HTTPErrorCode {
	rcode := "SERVFAIL"
	switch {
	case failed.IsTimeout:
		return code("DNS-timeout")
	case failed.IsNotFound:
		rcode = "NXDOMAIN"
	}
	return codeOf("DNS-error", map[string]any{"rcode": rcode, "info-code": nil})
}

// tlsCode is the code for a connection that was not made secure.
func tlsCode(err error) (HTTPErrorCode, bool) {
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return codeOf("TLS-alert-received", map[string]any{"alert-id": uint8(alert), "alert-message": alert.Error()}), true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return code("TLS-certificate-error"), true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return code("TLS-certificate-error"), true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return code("TLS-certificate-error"), true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || strings.Contains(err.Error(), "tls: ") {
		return code("TLS-protocol-error"), true
	}
	return HTTPErrorCode{}, false
}

// codeStatus are the statuses of responses that guests have ended with an error code, if they say more than 502.
var codeStatus = map[string]int{
	"DNS-timeout":                       http.StatusGatewayTimeout,
	"destination-IP-prohibited":         http.StatusForbidden,
	"connection-timeout":                http.StatusGatewayTimeout,
	"connection-read-timeout":           http.StatusGatewayTimeout,
	"connection-write-timeout":          http.StatusGatewayTimeout,
	"connection-limit-reached":          http.StatusServiceUnavailable,
	"HTTP-request-denied":               http.StatusForbidden,
	"HTTP-request-length-required":      http.StatusLengthRequired,
	"HTTP-request-body-size":            http.StatusRequestEntityTooLarge,
	"HTTP-request-method-invalid":       http.StatusMethodNotAllowed,
	"HTTP-request-URI-invalid":          http.StatusBadRequest,
	"HTTP-request-URI-too-long":         http.StatusRequestURITooLong,
	"HTTP-request-header-section-size":  http.StatusRequestHeaderFieldsTooLarge,
	"HTTP-request-header-size":          http.StatusRequestHeaderFieldsTooLarge,
	"HTTP-request-trailer-section-size": http.StatusRequestHeaderFieldsTooLarge,
	"HTTP-request-trailer-size":         http.StatusRequestHeaderFieldsTooLarge,
	"HTTP-response-timeout":             http.StatusGatewayTimeout,
	"loop-detected":                     http.StatusLoopDetected,
	"configuration-error":               http.StatusInternalServerError,
	"internal-error":                    http.StatusInternalServerError,
}

// status is that of a response that a guest has ended with the code.
func (e HTTPErrorCode) status() int {
	if status, ok := codeStatus[e.Case]; ok {
		return status
	}
	return http.StatusBadGateway
}
