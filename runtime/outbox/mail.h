// Mail: a message of text and HTML (RFC 5322, MIME). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/model/status.h"
#include "runtime/outbox/message.h"

namespace omen {

// The whole message, lines ending in CR LF. Date and Message-ID are the alert's: the same at every attempt. Control
// characters in an address are refused; those in the subject, which may be data, become blanks.
Result<std::string> compose_mail(const Message& message, const std::string& from, const std::vector<std::string>& to);

// The address in `Omen <omen@example.com>`, or the text itself.
std::string mail_address(const std::string& text);

}  // namespace omen
