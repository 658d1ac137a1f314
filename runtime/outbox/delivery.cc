#include "runtime/outbox/delivery.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <thread>

#include "runtime/io/clock.h"
#include "runtime/outbox/destination.h"
#include "runtime/outbox/lane.h"
#include "runtime/outbox/sink.h"
#include "runtime/outbox/transfer.h"

namespace omen {
namespace {

// A receiver that has gone is an error of a write, not the end of the process.
void ignore_broken_pipes() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
}

// Short reasons that stand for themselves, such as Slack's `channel_not_found`; nothing that a receiver may have
// echoed.
std::string word_of(const std::string& reply) {
  const bool is_word = !reply.empty() && reply.size() <= 40 &&
                       std::ranges::all_of(reply, [](unsigned char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return is_word ? ": " + reply : std::string();
}

std::string error_of(const Destination& destination, const Reply& reply, Verdict verdict) {
  if (verdict == Verdict::delivered) return {};
  if (reply.is_address_denied) return reply.error + ": `allow_cidr` of the destination can allow it";
  if (!reply.error.empty() && (reply.status == 0 || destination.kind() == "email")) return reply.error;
  std::string out = (destination.kind() == "email" ? "SMTP " : "HTTP ") + std::to_string(reply.status);
  if (reply.status >= 300 && reply.status < 400) out += ": redirects are not followed";
  if (destination.kind() == "slack") out += word_of(reply.body);
  return reply.error.empty() ? out : out + ": " + reply.error;
}

// Errors come from many places; a line of a log and a column of a table have room for so much.
std::string short_text(std::string text) {
  constexpr size_t most = 300;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = ' ';
  }
  if (text.size() > most) text.resize(most);
  return text;
}

}  // namespace

class Delivery::Impl {
 public:
  explicit Impl(DeliveryOptions options)
      : options_(std::move(options)), transfers_("omen/" + options_.omen_version, options_.resolve) {
    lanes_.emplace("", std::make_shared<Way>(standard_output(), uint32_t{1}));
  }

  Status set_destinations(const std::vector<DestinationProgram>& programs) {
    std::map<std::string, std::shared_ptr<Way>> lanes;
    const std::lock_guard lock(mutex_);
    for (const DestinationProgram& program : programs) {
      const auto known = lanes_.find(program.name);
      if (known != lanes_.end() && known->second->destination.is_same(program)) {
        lanes.insert(*known);
        continue;
      }
      auto destination = Destination::of(program);
      if (!destination) return Status::error(destination.message());
      if (Status status = destination.value().check(); !status) return status;
      // What may block takes what there is at a time, from a thread of its own.
      const uint32_t concurrency = destination.value().is_remote()        ? destination.value().concurrency()
                                   : destination.value().kind() == "exec" ? 1
                                                                          : static_cast<uint32_t>(Sink::batch_max);
      lanes.emplace(program.name, std::make_shared<Way>(std::move(destination.value()), concurrency));
    }
    lanes.emplace("", lanes_.at(""));
    for (const auto& [name, way] : lanes_) {
      const auto kept = lanes.find(name);
      if (kept != lanes.end() && kept->second == way) continue;
      hand_back(*way);
      way->is_gone = true;
      if (way->worker.joinable()) retired_.push_back(way);
    }
    lanes_ = std::move(lanes);
    std::erase_if(retired_, [](const auto& way) {
      if (way->has_ended) way->worker.join();
      return way->has_ended;
    });
    if (is_started_) {
      for (const auto& [_, way] : lanes_) start_worker(way);
    }
    changed_.notify_all();
    transfers_.wake();
    return Status::ok();
  }

  Status start() {
    const std::lock_guard lock(mutex_);
    OMEN_ASSERT(!is_started_);
    is_started_ = true;
    is_stopping_ = is_over_ = false;
    for (const auto& [_, way] : lanes_) start_worker(way);
    network_ = std::thread([this] { run_network(); });
    return Status::ok();
  }

  void stop(int64_t grace_us) {
    {
      std::unique_lock lock(mutex_);
      if (!is_started_) return;
      is_stopping_ = true;
      for (const auto& [_, way] : lanes_) hand_back(*way);
      changed_.notify_all();
      transfers_.wake();
      idle_.wait_for(lock, std::chrono::microseconds(grace_us), [this] {
        return std::ranges::all_of(lanes_, [](const auto& one) { return one.second->lane.active() == 0; });
      });
      is_over_ = true;
    }
    transfers_.wake();
    network_.join();
    for (const auto& [_, way] : lanes_) {
      if (way->worker.joinable()) way->worker.join();
    }
    for (const auto& way : retired_) way->worker.join();
    retired_.clear();
    is_started_ = false;
    tell();
  }

  uint32_t room(const std::string& destination) const {
    const std::lock_guard lock(mutex_);
    const auto found = lanes_.find(destination);
    if (found == lanes_.end() || is_stopping_) return 0;
    return room(found->second->lane);
  }

  uint64_t room_bytes(const std::string& destination) {
    const std::lock_guard lock(mutex_);
    const auto found = lanes_.find(destination);
    if (found == lanes_.end() || is_stopping_) return 0;
    return options_.queue_bytes_max - std::min(options_.queue_bytes_max, found->second->lane.queued_bytes());
  }

  size_t offer(std::span<Message> messages) {
    if (messages.empty()) return 0;
    bool is_remote = false;
    size_t taken = 0;
    {
      const std::lock_guard lock(mutex_);
      const auto found = lanes_.find(messages.front().destination);
      if (found == lanes_.end() || is_stopping_) return 0;
      Way& way = *found->second;
      is_remote = way.destination.is_remote();
      for (; taken < messages.size() && room(way.lane) > 0; ++taken) {
        OMEN_ASSERT(messages[taken].destination == found->first);
        way.lane.push(std::move(messages[taken]));
      }
    }
    if (taken == 0) return 0;
    if (is_remote) {
      transfers_.wake();
    } else {
      changed_.notify_all();
    }
    return taken;
  }

  std::vector<Attempt> take_attempts() {
    const std::lock_guard lock(mutex_);
    return std::exchange(attempts_, {});
  }

  bool flush(int64_t timeout_us) {
    std::unique_lock lock(mutex_);
    return idle_.wait_for(lock, std::chrono::microseconds(timeout_us), [this] {
      return std::ranges::all_of(
          lanes_, [](const auto& one) { return one.second->lane.queued() + one.second->lane.active() == 0; });
    });
  }

  std::vector<LaneReport> report() const {
    const std::lock_guard lock(mutex_);
    std::vector<LaneReport> out;
    for (const auto& [name, way] : lanes_) {
      out.push_back({name, way->destination.kind(), way->delivered, way->failed,
                     static_cast<uint32_t>(way->lane.queued()), way->lane.active(), way->lane.is_open(),
                     way->last_error});
    }
    return out;
  }

 private:
  uint32_t room(const Lane& lane) const {
    const size_t taken = lane.queued() + lane.active();
    if (taken >= options_.queue_max || lane.queued_bytes() >= options_.queue_bytes_max) return 0;
    return static_cast<uint32_t>(options_.queue_max - taken);
  }

  struct Way {
    Way(Destination to, uint32_t concurrency)
        : destination(std::move(to)), lane(concurrency, destination.interval_us()) {}
    const Destination destination;
    Lane lane;
    std::thread worker;  // of a local one
    bool is_gone = false;
    bool has_ended = false;  // its thread has nothing to do any more
    uint64_t delivered = 0, failed = 0;
    std::string last_error;
  };
  struct Begun {
    std::shared_ptr<Way> way;
    Attempt attempt;
    int64_t steady_us = 0;
  };

  static Destination standard_output() {
    DestinationProgram program;
    program.kind = "stdout";
    return std::move(Destination::of(program).value());
  }

  static Begun begin(const std::shared_ptr<Way>& way, const Message& message) {
    Begun begun{way, {}, steady_clock_us()};
    begun.attempt.number = message.number;
    begun.attempt.destination = message.destination;
    begun.attempt.begun_us = wall_clock_us();
    return begun;
  }

  // With the lock.
  void finish(Begun& begun) {
    const int64_t now_us = steady_clock_us();
    Attempt& attempt = begun.attempt;
    attempt.took_us = now_us - begun.steady_us;
    attempt.error = short_text(std::move(attempt.error));
    Way& way = *begun.way;
    way.lane.finish(attempt, now_us);
    if (attempt.verdict == Verdict::delivered) {
      ++way.delivered;
    } else if (attempt.verdict != Verdict::returned) {
      ++way.failed;
      way.last_error = attempt.error;
    }
    const bool is_on_hold = attempt.verdict == Verdict::hold;
    attempts_.push_back(std::move(attempt));
    if (is_on_hold) hand_back(way);
  }

  // With the lock.
  void hand_back(Way& way) {
    for (const Message& message : way.lane.drain()) {
      Attempt attempt;
      attempt.number = message.number;
      attempt.destination = message.destination;
      attempts_.push_back(std::move(attempt));
    }
  }

  // Without the lock: the writer may call back at once.
  void tell() {
    idle_.notify_all();
    if (options_.wake) options_.wake();
  }

  void start_worker(const std::shared_ptr<Way>& way) {
    if (way->destination.is_remote() || way->worker.joinable()) return;
    way->worker = std::thread([this, way] { run_local(way); });
  }

  std::unique_ptr<Sink> make_sink(const Destination& destination) const {
    const SinkOptions options{options_.standard_output, options_.allow_exec, options_.rewrite, &is_over_};
    if (destination.kind() == "file") return make_file_sink(destination);
    if (destination.kind() == "sqlite") return make_sqlite_sink(destination);
    if (destination.kind() == "exec") return make_exec_sink(destination, options);
    return make_stdout_sink(options);
  }

  void run_local(const std::shared_ptr<Way>& way) {
    ignore_broken_pipes();
    const std::unique_ptr<Sink> sink = make_sink(way->destination);
    std::unique_lock lock(mutex_);
    while (!is_stopping_ && !way->is_gone) {
      std::vector<Message> batch;
      std::vector<Begun> begun;
      while (batch.size() < Sink::batch_max) {
        auto message = way->lane.take(steady_clock_us());
        if (!message) break;
        begun.push_back(begin(way, *message));
        batch.push_back(std::move(*message));
      }
      if (batch.empty()) {
        const auto ready = way->lane.ready_us();
        if (ready) {
          changed_.wait_for(lock, std::chrono::microseconds(std::max<int64_t>(*ready - steady_clock_us(), 1000)));
        } else {
          changed_.wait(lock);
        }
        continue;
      }
      lock.unlock();
      const std::vector<SinkResult> results = sink->deliver(batch);
      OMEN_ASSERT(results.size() == batch.size());
      lock.lock();
      for (size_t i = 0; i < results.size(); ++i) {
        begun[i].attempt.verdict = results[i].verdict;
        begun[i].attempt.status = results[i].status;
        begun[i].attempt.error = results[i].error;
        finish(begun[i]);
      }
      lock.unlock();
      tell();
      lock.lock();
    }
    way->has_ended = true;
  }

  // With the lock: messages that may begin now, and until when there is nothing else to begin.
  std::vector<std::pair<std::shared_ptr<Way>, Message>> take_remote(int64_t& wait_us) {
    std::vector<std::pair<std::shared_ptr<Way>, Message>> taken;
    wait_us = 1'000'000;
    if (is_stopping_) return taken;
    for (const auto& [_, way] : lanes_) {
      if (!way->destination.is_remote()) continue;
      const int64_t now_us = steady_clock_us();
      while (auto message = way->lane.take(now_us)) taken.emplace_back(way, std::move(*message));
      if (const auto ready = way->lane.ready_us()) wait_us = std::min(wait_us, std::max<int64_t>(*ready - now_us, 0));
    }
    return taken;
  }

  void run_network() {
    ignore_broken_pipes();
    std::map<uint64_t, Begun> under_way;
    uint64_t last_id = 0;
    for (;;) {
      std::vector<std::pair<std::shared_ptr<Way>, Message>> taken;
      int64_t wait_us = 0;
      {
        const std::lock_guard lock(mutex_);
        taken = take_remote(wait_us);
        if (is_stopping_ && (under_way.empty() || is_over_)) break;
      }
      std::vector<Begun> ended;
      for (auto& [way, message] : taken) {
        Begun begun = begin(way, message);
        auto request = way->destination.request(message, begun.attempt.begun_us);
        if (request) {
          under_way.emplace(++last_id, std::move(begun));
          transfers_.start(last_id, std::move(request.value()), way->destination.guard());
          continue;
        }
        begun.attempt.verdict = Verdict::retry;  // a secret that is not there may come
        begun.attempt.error = request.message();
        ended.push_back(std::move(begun));
      }
      if (!ended.empty()) wait_us = 0;
      for (Transfers::Done& done : transfers_.poll(static_cast<int>(std::max<int64_t>((wait_us + 999) / 1000, 0)))) {
        auto found = under_way.find(done.id);
        OMEN_ASSERT(found != under_way.end());
        Begun& begun = found->second;
        const Destination& destination = begun.way->destination;
        begun.attempt.verdict = destination.verdict(done.reply);
        begun.attempt.status = done.reply.status;
        begun.attempt.retry_after_us = done.reply.retry_after_us;
        begun.attempt.error = error_of(destination, done.reply, begun.attempt.verdict);
        ended.push_back(std::move(begun));
        under_way.erase(found);
      }
      if (ended.empty()) continue;
      {
        const std::lock_guard lock(mutex_);
        for (Begun& begun : ended) finish(begun);
      }
      tell();
    }
    // Whether these have arrived is not known: they stay due.
    {
      const std::lock_guard lock(mutex_);
      for (auto& [_, begun] : under_way) finish(begun);
    }
    tell();
  }

  const DeliveryOptions options_;
  Transfers transfers_;
  mutable std::mutex mutex_;
  std::condition_variable changed_, idle_;
  std::map<std::string, std::shared_ptr<Way>> lanes_;  // by destination
  std::vector<std::shared_ptr<Way>> retired_;          // their threads end by themselves
  std::vector<Attempt> attempts_;
  std::thread network_;
  bool is_started_ = false;
  bool is_stopping_ = false;           // nothing begins any more
  std::atomic<bool> is_over_ = false;  // what is under way is given up
};

Delivery::Delivery(DeliveryOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Delivery::~Delivery() { stop(0); }
Status Delivery::set_destinations(const std::vector<DestinationProgram>& destinations) {
  return impl_->set_destinations(destinations);
}
Status Delivery::start() { return impl_->start(); }
void Delivery::stop(int64_t grace_us) { impl_->stop(grace_us); }
uint32_t Delivery::room(const std::string& destination) const { return impl_->room(destination); }
uint64_t Delivery::room_bytes(const std::string& destination) const { return impl_->room_bytes(destination); }
size_t Delivery::offer(std::vector<Message> messages) { return impl_->offer(messages); }
std::vector<Attempt> Delivery::take_attempts() { return impl_->take_attempts(); }
bool Delivery::flush(int64_t timeout_us) { return impl_->flush(timeout_us); }
std::vector<LaneReport> Delivery::report() const { return impl_->report(); }

}  // namespace omen
