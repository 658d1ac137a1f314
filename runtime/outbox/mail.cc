#include "runtime/outbox/mail.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "runtime/model/time.h"
#include "runtime/outbox/destination.h"
#include "runtime/outbox/markup.h"

namespace omen {
namespace {

constexpr size_t line_max = 76;
constexpr size_t subject_max = 150;  // bytes

// RFC 2045, 6.7. Line feeds become CR LF.
std::string quoted_printable(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  size_t column = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\n') {
      out += "\r\n";
      column = 0;
      continue;
    }
    const bool ends_line = i + 1 == text.size() || text[i + 1] == '\n';
    // A dot at the beginning of a line would need doubling, and blanks at its end are lost on the way.
    const bool is_plain = (c > ' ' && c < 0x7F && c != '=') || (c == ' ' && !ends_line);
    if (column + 3 >= line_max) {
      out += "=\r\n";
      column = 0;
    }
    if (is_plain && !(c == '.' && column == 0)) {
      out += static_cast<char>(c);
      ++column;
    } else {
      out += '=';
      out += digits[c >> 4];
      out += digits[c & 15];
      column += 3;
    }
  }
  return out;
}

// RFC 2047: words of at most 75 bytes, each of whole characters.
std::string encoded_words(const std::string& text) {
  if (std::string_view(text).find("=?") == std::string_view::npos &&
      std::ranges::all_of(text, [](unsigned char c) { return c < 0x7F; })) {
    return text;
  }
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t size = std::min<size_t>(42, text.size() - at);
    while (at + size < text.size() && size > 1 && (static_cast<unsigned char>(text[at + size]) & 0xC0) == 0x80) --size;
    std::array<unsigned char, 64> bytes{};
    EVP_EncodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data() + at), static_cast<int>(size));
    out += (out.empty() ? "" : "\r\n ");
    out += "=?UTF-8?B?" + std::string(reinterpret_cast<const char*>(bytes.data())) + "?=";
    at += size;
  }
  return out;
}

std::string subject_of(const Message& message) {
  std::string out = "[" + message.severity + "] " + (message.text.empty() ? message.title : message.text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = ' ';
  }
  if (out.size() <= subject_max) return out;
  size_t end = subject_max;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
  return out.substr(0, end) + "…";
}

// RFC 5322: Mon, 05 Jan 2026 10:00:00 +0000
std::string date_text(int64_t time_us) {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t seconds = time_us / us_per_second;
  tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> out{};
  snprintf(out.data(), out.size(), "%s, %02d %s %04d %02d:%02d:%02d +0000", days[parts.tm_wday], parts.tm_mday,
           months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return out.data();
}

// What is shown of the message, in order.
std::vector<std::pair<std::string, std::string>> facts_of(const Message& message) {
  std::string end;
  append_rfc3339(end, message.end_us);
  std::vector<std::pair<std::string, std::string>> facts = {{"Rule", message.rule}, {"Severity", message.severity}};
  if (message.key != "{}") facts.emplace_back("Key", message.key);
  facts.emplace_back("Time", end);
  facts.emplace_back("Alert", message.alert);
  return facts;
}

std::string part(const std::string& boundary, const std::string& type, const std::string& text) {
  return "--" + boundary + "\r\nContent-Type: " + type +
         "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted_printable(text) + "\r\n";
}

}  // namespace

std::string mail_address(const std::string& text) {
  const size_t open = text.rfind('<'), close = text.rfind('>');
  return open != std::string::npos && close != std::string::npos && open < close
             ? text.substr(open + 1, close - open - 1)
             : text;
}

Result<std::string> compose_mail(const Message& message, const std::string& from, const std::vector<std::string>& to) {
  std::string receivers;
  for (const std::string& one : to) receivers += (receivers.empty() ? "" : ",\r\n ") + one;
  for (const std::string& one : to) {
    if (!is_header_text(one)) return Status::error("to: an address has control characters");
    if (mail_address(one).find('@') == std::string::npos) return Status::error("to: an address has no @");
  }
  if (to.empty()) return Status::error("to: there is no address");
  if (!is_header_text(from)) return Status::error("from: the address has control characters");
  const std::string sender = mail_address(from);
  const size_t at = sender.rfind('@');
  if (at == std::string::npos) return Status::error("from: the address has no @");

  std::string plain = (message.is_record ? message.text : message.body) + "\n\n";
  std::string html = "<!DOCTYPE html><html><body>\n<p style=\"font-size:120%\">" +
                     escaped_markup(message.is_record ? message.text : message.body, true) + "</p>\n<table>\n";
  for (const auto& [name, value] : facts_of(message)) {
    plain += name + ": " + value + '\n';
    html += "<tr><td>" + name + "</td><td>" + escaped_markup(value, true) + "</td></tr>\n";
  }
  html += "</table>\n</body></html>\n";

  const std::string boundary = "omen-" + message.id;  // cannot stand in quoted-printable: it has a line of its own
  std::string out = "Date: " + date_text(message.created_us) + "\r\nFrom: " + from + "\r\nTo: " + receivers +
                    "\r\nSubject: " + encoded_words(subject_of(message)) + "\r\nMessage-ID: <" + message.id + '.' +
                    std::to_string(message.number) + '@' + sender.substr(at + 1) +
                    ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; "
                    "boundary=\"" +
                    boundary + "\"\r\n\r\n";
  out += part(boundary, "text/plain", plain) + part(boundary, "text/html", html) + "--" + boundary + "--\r\n";
  return out;
}

Result<Request> mail_request(const Destination& destination, const Message& message) {
  Request request;
  request.protocol = Request::Protocol::smtp;
  auto server = destination.value("server");
  auto from = destination.value("from"), user = destination.value("user"), password = destination.value("password");
  auto to = destination.values("to");
  if (!server) return Status::error("server: " + server.message());
  if (!from) return Status::error("from: " + from.message());
  if (!to) return Status::error("to: " + to.message());
  if (!user) return Status::error("user: " + user.message());
  if (!password) return Status::error("password: " + password.message());
  const std::string& tls = destination.plain("tls");
  const bool has_own = tls == "tls" || (tls.empty() && server.value().ends_with(":465"));
  request.tls = has_own ? Request::Tls::by_url : tls == "none" ? Request::Tls::none : Request::Tls::start;
  request.url = (has_own ? "smtps://" : "smtp://") + server.value();
  if (server.value().find_first_of("/@?#") != std::string::npos)
    return Status::error("server: write host or host:port");
  request.user = std::move(user.value());
  request.password = std::move(password.value());
  if (!is_header_text(request.user)) return Status::error("user: it has control characters");
  auto mail = compose_mail(message, from.value(), to.value());
  if (!mail) return Status::error(mail.message());
  request.body = std::move(mail.value());
  request.from = mail_address(from.value());
  for (const std::string& one : to.value()) request.to.push_back(mail_address(one));
  return request;
}

}  // namespace omen
