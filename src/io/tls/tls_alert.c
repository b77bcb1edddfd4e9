/* SPDX-License-Identifier: MIT */
/*
 * tls_alert.c - messages for alerts of TLS.
 *
 * An alert is one number that the peer sends before it hangs up (RFC 8446 6.2).  OpenSSL knows its name; what a person can
 * do about it stands here, with the name behind it, by which others have written about it.
 */
#include <openssl/err.h>
#include <string.h>

#include "io/tls/tls_layer.h"

/* "The peer refused: ..."; "it" is the peer. */
static const struct {
    int alert;
    const char *name, *words;
} alerts[] = {
    {SSL_AD_UNEXPECTED_MESSAGE, "unexpected_message", "a message came out of turn"},
    {SSL_AD_BAD_RECORD_MAC, "bad_record_mac", "a record was damaged on its way"},
    {SSL_AD_RECORD_OVERFLOW, "record_overflow", "a record was too long"},
    {SSL_AD_HANDSHAKE_FAILURE, "handshake_failure", "no version, cipher or certificate that both sides accept"},
    {SSL_AD_BAD_CERTIFICATE, "bad_certificate", "it cannot use our certificate"},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, "unsupported_certificate", "our certificate is of a kind that it does not accept"},
    {SSL_AD_CERTIFICATE_REVOKED, "certificate_revoked", "our certificate was revoked"},
    {SSL_AD_CERTIFICATE_EXPIRED, "certificate_expired", "our certificate has expired"},
    {SSL_AD_CERTIFICATE_UNKNOWN, "certificate_unknown", "our certificate is not acceptable to it"},
    {SSL_AD_ILLEGAL_PARAMETER, "illegal_parameter", "a value was wrong"},
    {SSL_AD_UNKNOWN_CA, "unknown_ca", "it does not know the authority that issued our certificate"},
    {SSL_AD_ACCESS_DENIED, "access_denied", "our certificate is valid, but gives no access"},
    {SSL_AD_DECODE_ERROR, "decode_error", "a message could not be understood"},
    {SSL_AD_DECRYPT_ERROR, "decrypt_error", "a signature or a key exchange was wrong"},
    {SSL_AD_PROTOCOL_VERSION, "protocol_version", "no common protocol version: it speaks no TLS that is allowed here"},
    {SSL_AD_INSUFFICIENT_SECURITY, "insufficient_security", "it wants stronger ciphers than were offered"},
    {SSL_AD_INTERNAL_ERROR, "internal_error", "something is wrong with it that has nothing to do with us"},
    {SSL_AD_INAPPROPRIATE_FALLBACK, "inappropriate_fallback", "it speaks a newer version of TLS"},
    {SSL_AD_USER_CANCELLED, "user_canceled", "somebody ended the handshake there"},
    {SSL_AD_MISSING_EXTENSION, "missing_extension", "an extension is missing"},
    {SSL_AD_UNSUPPORTED_EXTENSION, "unsupported_extension", "it did not ask for an extension that was sent"},
    {SSL_AD_UNRECOGNIZED_NAME, "unrecognized_name", "it serves no host of the name that was asked for"},
    {SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE, "bad_certificate_status_response", "the OCSP answer is wrong"},
    {SSL_AD_UNKNOWN_PSK_IDENTITY, "unknown_psk_identity", "it does not know the shared key"},
    {SSL_AD_CERTIFICATE_REQUIRED, "certificate_required", "the server requires a client certificate"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "no_application_protocol", "no application protocol (ALPN) of those that were offered"},
};

/* What this side found, where OpenSSL's own words do not say what it means. */
static const struct {
    int reason;
    const char *words;
} reasons[] = {
    {SSL_R_UNSUPPORTED_PROTOCOL, "the peer speaks only versions of TLS that are not allowed here"},
    {SSL_R_WRONG_VERSION_NUMBER, "what the peer sent is not TLS"},
    {SSL_R_NO_SHARED_CIPHER, "no cipher that both sides accept"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the client sent no certificate, and one is required"},
    {SSL_R_HTTP_REQUEST, "the client sent a request in plain HTTP"},
    {SSL_R_HTTPS_PROXY_REQUEST, "the client sent a request for a proxy in plain HTTP"},
};

int bide__tls_alert_of(unsigned long e)
{
    int alert = ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) - SSL_AD_REASON_OFFSET : 0;

    return alert > 0 && alert <= 255 ? alert : 0; /* reasons beyond are of the library's own affairs */
}

const char *bide__tls_reason(void)
{
    unsigned long e = ERR_peek_error();
    int reason = ERR_GET_REASON(e);
    const char *text = NULL;

    if (e && ERR_GET_LIB(e) == ERR_LIB_SYS)
        text = strerrordesc_np(reason);
    else if (e)
        text = ERR_reason_error_string(e);
    for (size_t i = 0; ERR_GET_LIB(e) == ERR_LIB_SSL && i < array_len(reasons); i++)
        if (reasons[i].reason == reason)
            text = reasons[i].words;
    ERR_clear_error();
    return text ? text : "no reason given";
}

int bide__tls_fail_file(const char *what, const char *file)
{
    unsigned long e = ERR_peek_error();
    int system = ERR_GET_LIB(e) == ERR_LIB_SYS ? ERR_GET_REASON(e) : 0;

    bide_fail(BIDE_ETLS, "%s %s: %s", what, file, bide__tls_reason());
    return bide__error_below(-system);
}

/* Servers that want a certificate say so by several alerts; the request for it is certain. */
static bool wanted_certificate(const struct tls_filter *t, int alert)
{
    return t->was_asked_for_certificate && (alert == SSL_AD_HANDSHAKE_FAILURE || alert == SSL_AD_BAD_CERTIFICATE ||
                                            alert == SSL_AD_CERTIFICATE_UNKNOWN || alert == SSL_AD_ACCESS_DENIED);
}

int bide__tls_fail_alert(const struct tls_filter *t, const char *doing, const char *with, int alert)
{
    size_t i = 0;

    while (i < array_len(alerts) && alerts[i].alert != alert)
        i++;
    if (i == array_len(alerts))
        return bide_fail(BIDE_ETLS, "%s with %s: the peer refused: alert %d", doing, with, alert);
    if (alert == SSL_AD_UNRECOGNIZED_NAME && t->name)
        return bide_fail(BIDE_ETLS, "%s with %s: the peer refused: it serves no host named %s (%s)", doing, with, t->name,
                         alerts[i].name);
    const char *words = wanted_certificate(t, alert) ? "the server requires a client certificate" : alerts[i].words;
    return bide_fail(BIDE_ETLS, "%s with %s: the peer refused: %s (%s)", doing, with, words, alerts[i].name);
}
