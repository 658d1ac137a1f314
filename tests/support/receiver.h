// Receiver: servers on the loopback that answer as a test has written down: an HTTP one and an SMTP one.
//
// Answers are given in order, one a request; the last one stays. What came is kept. Each connection has a thread, which
// ends with the receiver.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/certificate.h"

namespace omen {

struct Answer {
  enum class Way : uint8_t {
    reply,    // status, headers, body
    endless,  // a body that does not end
    slow,     // nothing for as long as the receiver lives
    close,    // the connection, without a word
  };
  int status = 200;
  std::map<std::string, std::string> headers = {};
  std::string body = {};
  Way way = Way::reply;
  int delay_ms = 0;
};

struct SeenRequest {
  std::string target;
  std::map<std::string, std::string> headers;  // names in small letters
  std::string body;
};

class HttpReceiver {
 public:
  // With a certificate it speaks TLS.
  explicit HttpReceiver(std::vector<Answer> answers, std::optional<Certificate> certificate = {});
  ~HttpReceiver();
  uint16_t port() const;
  std::string url() const;  // http://127.0.0.1:PORT/hook, or https
  std::vector<SeenRequest> received() const;
  size_t connections() const;
  size_t most_at_a_time() const;  // requests

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

using MailAnswers = std::map<std::string, std::string>;  // by the first word of the command

// Answers "220", then to each command the code that is written down for its first word, or what is usual.
class MailReceiver {
 public:
  explicit MailReceiver(MailAnswers answers);
  ~MailReceiver();
  uint16_t port() const;
  // Everything that a client has said, its mails as they came.
  std::string said() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace omen
