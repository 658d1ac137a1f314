#include "runtime/serve/sns.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <simdjson.h>

#include <algorithm>
#include <ctime>

#include "runtime/core/json.h"
#include "runtime/input/base64.h"
#include "runtime/input/parts.h"

namespace omen {
namespace {

constexpr int key_bits_min = 2048;
constexpr size_t url_bytes_max = 2000;

struct SnsMember {
  const char* name;
  std::string SnsMessage::*text;
};
constexpr SnsMember of_all[] = {{"Type", &SnsMessage::type},
                                {"MessageId", &SnsMessage::id},
                                {"TopicArn", &SnsMessage::topic},
                                {"Message", &SnsMessage::message},
                                {"Timestamp", &SnsMessage::timestamp}};
constexpr SnsMember of_confirmations[] = {{"SubscribeURL", &SnsMessage::subscribe_url}, {"Token", &SnsMessage::token}};
constexpr SnsMember of_signatures[] = {{"SignatureVersion", &SnsMessage::signature_version},
                                       {"Signature", &SnsMessage::signature},
                                       {"SigningCertURL", &SnsMessage::certificate_url}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_small(char c) { return c >= 'a' && c <= 'z'; }

// What OpenSSL notes of a failure stays on a list of the thread, where the next TLS connection would find it.
struct CleanErrors {
  CleanErrors() { ERR_set_mark(); }
  ~CleanErrors() { ERR_pop_to_mark(); }
  CleanErrors(const CleanErrors&) = delete;
  CleanErrors& operator=(const CleanErrors&) = delete;
};

std::optional<int64_t> seconds_of(const ASN1_TIME* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return timegm(&parts);
}

// What follows the host, with its slash; nothing when the URL is none of SNS's.
std::optional<std::string_view> path_of(std::string_view url) {
  constexpr std::string_view scheme = "https://", service = "sns.", domain = ".amazonaws.com", china = ".cn";
  const bool is_plain = url.size() <= url_bytes_max &&
                        std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7f && c != '\\' && c != '#'; });
  if (!is_plain || !url.starts_with(scheme)) return std::nullopt;
  url.remove_prefix(scheme.size());
  const size_t slash = url.find('/');
  if (slash == url.npos) return std::nullopt;
  std::string_view host = url.substr(0, slash);
  if (host.ends_with(china)) host.remove_suffix(china.size());
  if (!host.starts_with(service) || !host.ends_with(domain)) return std::nullopt;
  if (host.size() < service.size() + domain.size() + 3) return std::nullopt;
  const std::string_view region = host.substr(service.size(), host.size() - service.size() - domain.size());
  const bool is_region = std::ranges::all_of(region, [](char c) { return is_small(c) || is_digit(c) || c == '-'; });
  // sns.s3-us-west-2.amazonaws.com was an old name of somebody's bucket `sns`.
  if (!is_region || region.starts_with("s3-")) return std::nullopt;
  return url.substr(slash);
}

}  // namespace

Result<SnsMessage> read_sns(std::string_view body) {
  if (body.size() > sns_body_bytes_max) return Status::error("it is longer than any message of SNS");
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  if (parser.parse(simdjson::padded_string(body)).get(json) != simdjson::SUCCESS || !json.is_object()) {
    return Status::error("this is no JSON object: raw delivery has no signature, and has to be off");
  }
  SnsMessage out;
  const auto read = [&](const char* name, std::string& text) {
    std::string_view value;
    if (json[name].get(value) != simdjson::SUCCESS) return false;
    text = value;
    return true;
  };
  const auto read_all = [&](const auto& members) {
    return std::ranges::all_of(members, [&](const SnsMember& member) {
      std::string& text = out.*member.text;
      return read(member.name, text) && (&text == &out.message || text.find('\n') == text.npos);
    });
  };
  bool is_whole = read_all(of_all);
  if (out.is_notification()) {
    std::string subject;
    if (read("Subject", subject)) out.subject = std::move(subject);
    is_whole = is_whole && (!out.subject || out.subject->find('\n') == std::string::npos);
  } else {
    const bool is_known = out.type == "SubscriptionConfirmation" || out.type == "UnsubscribeConfirmation";
    is_whole = is_whole && is_known && read_all(of_confirmations);
  }
  if (!is_whole) return Status::error("this is no message of SNS: a member is missing, or is none of its kind");
  for (const SnsMember& member : of_signatures) read(member.name, out.*member.text);  // empty: verify() says so
  return out;
}

std::string canonical_text(const SnsMessage& message) {
  std::string out;
  const auto add = [&](std::string_view name, const std::string& value) {
    ((out += name) += '\n').append(value) += '\n';
  };
  add("Message", message.message);
  add("MessageId", message.id);
  if (message.is_notification()) {
    if (message.subject) add("Subject", *message.subject);
  } else {
    add("SubscribeURL", message.subscribe_url);
  }
  add("Timestamp", message.timestamp);
  if (!message.is_notification()) add("Token", message.token);
  add("TopicArn", message.topic);
  add("Type", message.type);
  return out;
}

std::string event_text(const SnsMessage& message) {
  std::string out = "{";
  const auto add = [&](std::string_view name, const std::string& value) {
    std::string quoted;
    json::append_string(quoted, value);
    append_member(out, name, quoted);
  };
  for (const SnsMember& member : of_all) add(member.name, message.*member.text);
  if (message.subject) add("Subject", *message.subject);
  return out + '}';
}

bool is_topic_arn(std::string_view text) {
  size_t parts = 0;
  for (size_t begin = 0; begin <= text.size(); ++parts) {
    const std::string_view part = text.substr(begin, text.find(':', begin) - begin);
    const bool is_good = parts == 0   ? part == "arn"
                         : parts == 1 ? part.starts_with("aws")
                         : parts == 2 ? part == "sns"
                                      : !part.empty() && std::ranges::all_of(part, [](char c) { return c > ' '; });
    if (!is_good) return false;
    begin += part.size() + 1;
  }
  return parts == 6;
}

bool is_sns_url(std::string_view url) { return path_of(url).has_value(); }

bool is_certificate_url(std::string_view url) {
  constexpr std::string_view begin = "/SimpleNotificationService-", end = ".pem";
  std::string_view path = path_of(url).value_or("");
  if (!path.starts_with(begin) || !path.ends_with(end) || path.size() <= begin.size() + end.size()) return false;
  path = path.substr(begin.size(), path.size() - begin.size() - end.size());
  return std::ranges::all_of(path, [](char c) { return is_small(c) || is_digit(c) || (c >= 'A' && c <= 'Z'); });
}

Result<SnsCertificate> SnsCertificate::of(std::string_view pem) {
  const CleanErrors clean;
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                         &BIO_free_all);
  const std::unique_ptr<X509, decltype(&X509_free)> read(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr),
                                                         &X509_free);
  if (read == nullptr) return Status::error("what its SigningCertURL gives is no certificate");
  SnsCertificate out;
  out.key_ = {X509_get_pubkey(read.get()), &EVP_PKEY_free};
  const bool is_rsa = out.key_ != nullptr && EVP_PKEY_get_base_id(out.key_.get()) == EVP_PKEY_RSA;
  if (!is_rsa || EVP_PKEY_get_bits(out.key_.get()) < key_bits_min) {
    return Status::error("the certificate that it names has no RSA key of 2048 bits");
  }
  const auto from_s = seconds_of(X509_get0_notBefore(read.get())), until_s = seconds_of(X509_get0_notAfter(read.get()));
  if (!from_s || !until_s) return Status::error("the certificate that it names does not say when it is valid");
  out.from_s_ = *from_s;
  out.until_s_ = *until_s;
  return out;
}

Status SnsCertificate::verify(const SnsMessage& message, int64_t now_s) const {
  const EVP_MD* const digest = message.signature_version == "1"   ? EVP_sha1()
                               : message.signature_version == "2" ? EVP_sha256()
                                                                  : nullptr;
  if (digest == nullptr) return Status::error("its SignatureVersion is neither 1 nor 2");
  if (now_s < from_s_ || now_s > until_s_) return Status::error("the certificate that it names is not valid now");
  const auto signature = decode_base64(message.signature);
  if (!signature || signature->empty()) return Status::error("it bears no signature");
  const CleanErrors clean;
  const std::string text = canonical_text(message);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const bool fits =
      context != nullptr && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1 &&
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature->data()), signature->size(),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
  return fits ? Status::ok() : Status::error("its signature does not fit");
}

}  // namespace omen
