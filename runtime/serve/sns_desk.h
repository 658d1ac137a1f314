// SnsDesk: where messages of AWS SNS are looked at before they count, once topics are named in the configuration: the
// topic is one of these, the signature is that of a certificate of SNS. Subscriptions to these topics it confirms.
//
//   take()   in the thread of a connection: reads, asks for the topic, and verifies where the certificate is known
//   worker   one thread: fetches certificates, confirms. What waits for it has a bound, so a certificate that does not
//            come holds up no connection and no message that is signed with another
//
// A refusal with 403 is for good; one with 503 makes SNS send again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/outbox/request.h"
#include "runtime/serve/metrics.h"
#include "runtime/serve/sns.h"

namespace omen {

inline constexpr size_t sns_waiting_max = 64;                 // messages before the worker: beyond it 503
inline constexpr size_t sns_certificates_max = 16;            // known ones: the oldest makes room
inline constexpr int64_t sns_certificate_age_s_max = 86'400;  // then it is fetched anew: it may have been withdrawn

struct SnsVerdict {
  int status = 204;   // or 400, 403, 503
  std::string why;    // of a refusal
  std::string event;  // a notification, event_text(); empty: there is nothing to deliver
};

class SnsDesk {
 public:
  // A GET that waits for its answer, and gives up when it `is_over` (outbox/fetch.h).
  using Fetch = std::function<Reply(const std::string& url, const std::atomic<bool>& is_over)>;
  using Log = std::function<void(const std::string& line)>;  // from any thread
  using Done = std::function<void(SnsVerdict)>;              // from any thread, exactly once

  SnsDesk(const std::vector<std::string>& topics, Fetch fetch, Log log, Metrics& metrics);
  ~SnsDesk();
  SnsDesk(const SnsDesk&) = delete;
  SnsDesk& operator=(const SnsDesk&) = delete;

  void take(std::string_view body, Done done);
  // Answers what waits (503) and ends the worker.
  void stop();

 private:
  struct Known {
    SnsCertificate certificate;
    int64_t fetched_s = 0;
  };
  struct Job {
    SnsMessage message;
    Done done;
  };

  void run();
  SnsVerdict decide(const SnsMessage& message);
  SnsVerdict judge(const SnsMessage& message, const SnsCertificate& certificate);
  SnsVerdict confirm(const SnsMessage& message);
  std::optional<SnsCertificate> known(const std::string& url);  // with the lock
  void keep(const std::string& url, const SnsCertificate& certificate);
  SnsVerdict refuse(int status, const char* reason, std::string why);
  SnsVerdict refuse_unfetched(const char* what, const Reply& reply);

  const std::set<std::string, std::less<>> topics_;
  const Fetch fetch_;
  const Log log_;
  Metrics& metrics_;
  Counter &fetched_, &dropped_, &confirmed_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  std::map<std::string, Known> certificates_;  // by URL
  std::atomic<bool> is_over_ = false;
  int64_t complained_s_ = 0;  // the worker's: when it last logged a failure
  std::thread worker_;        // last: it uses all of them
};

}  // namespace omen
