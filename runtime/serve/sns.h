// Sns: messages of AWS SNS as it posts them, and whether they are its own.
//
//   {"Type":"Notification","MessageId":"…","TopicArn":"arn:aws:sns:…","Subject":"…","Message":"…","Timestamp":"…",
//    "SignatureVersion":"1","Signature":"BASE64","SigningCertURL":"https://sns.us-east-1.amazonaws.com/….pem"}
//
// Signed is a canonical text: name and value of each member that counts, a line each, by RSA over SHA-1 (version 1) or
// SHA-256 (version 2). The key is that of the certificate that the message names; so all hangs on where that may come
// from: whoever could choose it freely could sign for anybody.
//
// INVARIANTS: no member but Message has a line feed, so a canonical text can be read in one way only. What goes on
// (event_text) is made of what was signed, and never the body as it came.
//
// Pure, but for OpenSSL. NOT HERE: fetching, which topics are wanted (sns_desk.h), the event of a message (input/push).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/model/status.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace omen {

inline constexpr size_t sns_body_bytes_max = 2u << 20;  // SNS has 256 KB, which escapes make longer

struct SnsMessage {
  std::string type;  // Notification, SubscriptionConfirmation or UnsubscribeConfirmation
  std::string id, topic, message, timestamp;
  std::optional<std::string> subject;                         // of a notification; not every one has it
  std::string subscribe_url, token;                           // of the other two
  std::string signature_version, signature, certificate_url;  // empty: it bears none
  bool is_notification() const { return type == "Notification"; }
};

Result<SnsMessage> read_sns(std::string_view body);
std::string canonical_text(const SnsMessage& message);
// A notification as SNS writes it, of its signed members alone.
std::string event_text(const SnsMessage& message);

bool is_topic_arn(std::string_view text);  // arn:aws:sns:REGION:ACCOUNT:NAME
// https://sns.REGION.amazonaws.com/…, or .com.cn: no port, no user, nothing that two programs could read in two ways.
bool is_sns_url(std::string_view url);
// The same, and the path of a certificate. On these hosts the API answers, too, with texts that its callers have put
// there: it is not enough that an address ends in .pem.
bool is_certificate_url(std::string_view url);

class SnsCertificate {
 public:
  // With an RSA key of 2,048 bits or more. When it is valid, verify() looks at.
  static Result<SnsCertificate> of(std::string_view pem);
  // An error says what does not fit.
  Status verify(const SnsMessage& message, int64_t now_s) const;

 private:
  std::shared_ptr<evp_pkey_st> key_;
  int64_t from_s_ = 0, until_s_ = 0;
};

}  // namespace omen
