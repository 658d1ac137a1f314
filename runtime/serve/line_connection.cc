// One connection of lines: JSON objects, one a line, over TCP (with TLS or without) or a Unix socket.
//
//   > {"omen":{"token":"omen_…","ack":true}}          the first line, if a token is needed or acknowledgements are
//   wanted < {"ack":0} > {"type":"order","user_id":7} > {"type":"order","user_id": <
//   {"line":2,"reason":"not_json","column":27}      each that was rejected, before the acknowledgement that covers it
//   < {"ack":2,"sequence":1041}                       so many lines (blank ones not counted) are durable or rejected
//
// A batch at a time is with the writer; what comes meanwhile is the next one, so batches are as large as the writer is
// busy. When line_buffer_bytes wait, the connection is not read any more, and the sender feels it.
//
// What was sent is lost only where it was not acknowledged: a part of a line at the end of a connection is dropped, for
// who can tell whether it was all of it?
#include <fmt/format.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "runtime/io/clock.h"
#include "runtime/serve/connection.h"
#include "runtime/serve/line_framing.h"

namespace omen {
namespace {

constexpr size_t read_bytes = 64u << 10;
constexpr size_t hello_bytes_max = 4u << 10;   // of somebody who has shown no token yet
constexpr size_t unread_bytes_max = 1u << 20;  // of acknowledgements

template <typename Stream>
class LineConnection final : public Connection, public std::enable_shared_from_this<LineConnection<Stream>> {
 public:
  template <typename... StreamArguments>
  LineConnection(std::shared_ptr<Shared> shared, Peer peer, const LineOptions& options, StreamArguments&&... arguments)
      : shared_(std::move(shared)),
        limits_(shared_->limits),
        seat_(shared_),
        peer_(std::move(peer)),
        options_(options),
        stream_(std::forward<StreamArguments>(arguments)...),
        timer_(stream_.get_executor()),
        has_leave_(peer_.rights.allow(Role::ingest)),
        has_acks_(options.has_acks) {}

  void start() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] { self->begin(); });
  }

  void stop() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] {
      self->end();
      self->pump();
    });
  }

 private:
  void begin() {
    watch();
    if constexpr (is_tls<Stream>) {
      stream_.async_handshake(asio::ssl::stream_base::server, [self = this->shared_from_this()](ErrorCode error) {
        if (error) return self->close();
        self->talk();
      });
    } else {
      talk();
    }
  }

  void talk() {
    is_shaken_ = true;
    watch();
    read();
  }

  // --- time: a handshake, a first line that must come, a line that does not end, answers that are not read ---

  Clock::time_point deadline() const {
    if (!is_shaken_ || !has_leave_) return began_ + limits_.head_time;
    if (framing_.has_part() || is_writing_) return moved_ + limits_.idle_time;
    return Clock::now() + limits_.idle_time;  // to look again
  }

  void watch() {
    timer_.expires_at(deadline());
    timer_.async_wait([weak = this->weak_from_this()](ErrorCode error) {
      const auto self = weak.lock();
      if (error || self == nullptr || self->is_closed_) return;
      if (Clock::now() < self->deadline()) return self->watch();
      self->shared_->closed(self->is_writing_ ? "not_read" : self->has_leave_ ? "line_slow" : "head_slow").add();
      self->close();
    });
  }

  // --- reading ---

  void read() {
    if (is_reading_ || is_ending_ || is_closed_) return;
    const bool has_enough = pending_.lines.size() + rejected_bytes_ >= limits_.line_buffer_bytes;
    if (has_enough || out_.size() > unread_bytes_max) return;
    is_reading_ = true;
    stream_.async_read_some(asio::buffer(buffer_), [self = this->shared_from_this()](ErrorCode error, size_t size) {
      self->is_reading_ = false;
      if (self->is_closed_) return;
      self->moved_ = Clock::now();
      if (error) {
        self->end();
      } else {
        self->take({self->buffer_.data(), size});
      }
      self->pump();
    });
  }

  void take(std::string_view bytes) {
    if (!is_known_ && (bytes = greet(bytes)).empty()) return;
    const size_t before = pending_.rejected.size();
    framing_.put(bytes, pending_);
    rejected_bytes_ += (pending_.rejected.size() - before) * 1024;
    first_ = {};
  }

  // Until the first line is there. Gives what are events, with what came before.
  std::string_view greet(std::string_view bytes) {
    first_ += bytes;
    if (is_other_protocol(first_)) {
      shared_->closed("other_protocol").add();
      first_ = {};
      refuse("this port takes JSON, one object a line");
      return {};
    }
    const size_t begin = std::min(first_.find_first_not_of(" \t\r\n"), first_.size());
    const size_t line_end = first_.find('\n', begin);
    const bool may_be_hello = first_.compare(begin, 1, "{") == 0 || begin == first_.size();
    if (line_end == first_.npos && may_be_hello && first_.size() <= hello_bytes_max) return {};
    const auto hello =
        line_end != first_.npos ? read_hello(std::string_view(first_).substr(begin, line_end - begin)) : std::nullopt;
    if (hello && !hello->token.empty() && !shared_->context.tokens.is_empty()) {
      const auto role = shared_->context.tokens.role_of(hello->token);
      has_leave_ = role && Rights{*role}.allow(Role::ingest);
    }
    if (!has_leave_) {
      shared_->closed("unauthorized").add();
      first_ = {};
      refuse("this needs a token with the role ingest: begin with {\"omen\":{\"token\":\"…\"}}");
      return {};
    }
    is_known_ = true;
    watch();
    if (!hello) return first_;
    has_acks_ = has_acks_ || hello->wants_acks;
    if (hello->wants_acks) out_ += "{\"ack\":0}\n";
    return std::string_view(first_).substr(line_end + 1);
  }

  // Nothing more is read.
  void end() {
    is_ending_ = true;
    if (framing_.drop_part() || !first_.empty()) {
      first_ = {};
      shared_->context.metrics
          .counter("omen_lines_cut_total", "Lines that were dropped because their connection ended within them")
          .add();
    }
  }

  void refuse(std::string_view why) {
    out_ = Response::error(0, why).body;
    is_ending_ = true;
  }

  // --- the writer ---

  // Does what can be done now.
  void pump() {
    if (is_closed_) return;
    if (!is_with_writer_ && !waits_for_room_ && !pending_.order.empty()) offer();
    if (!is_writing_ && !out_.empty()) write();
    if (is_ending_ && !is_with_writer_ && !waits_for_room_ && pending_.order.empty() && !is_writing_) return close();
    read();
  }

  void offer() {
    Batch batch;
    batch.events = std::move(pending_.lines);
    batch.count = pending_.count;
    batch.rejected = pending_.rejected;
    batch.source = options_.source;
    batch.arrival_us = wall_clock_us();
    batch.done = [self = this->shared_from_this()](std::span<const EventOutcome> outcomes) {
      asio::post(self->stream_.get_executor(),
                 [self, all = std::vector<EventOutcome>(outcomes.begin(), outcomes.end())] { self->decided(all); });
    };
    const size_t bytes = batch.bytes();
    switch (shared_->context.intake.offer(std::move(batch))) {
      case Intake::Answer::taken:
        is_with_writer_ = true;
        with_writer_ = std::exchange(pending_, {});
        rejected_bytes_ = 0;
        return;
      case Intake::Answer::full:
        // NOLINTNEXTLINE(bugprone-use-after-move): the intake moves from the batch only when it takes it
        pending_.lines = std::move(batch.events);
        waits_for_room_ = true;
        shared_->context.intake.when_room(bytes, [self = this->shared_from_this()] {
          asio::post(self->stream_.get_executor(), [self] {
            self->waits_for_room_ = false;
            self->pump();
          });
        });
        return;
      case Intake::Answer::closing:
        pending_ = {};
        end();
    }
  }

  void decided(const std::vector<EventOutcome>& outcomes) {
    is_with_writer_ = false;
    if (is_closed_) return;
    bool is_to_be_repeated = false;
    for (const uint32_t entry : with_writer_.order) {
      const uint32_t index = entry & ~Received::rejected_bit;
      EventOutcome outcome;
      if (entry != index) {
        outcome.reason = with_writer_.rejected[index].reason;
        outcome.column = with_writer_.rejected[index].column;
      } else if (index < outcomes.size()) {
        outcome = outcomes[index];
      }
      if (outcome.is_to_be_repeated()) {  // then neither it nor what is behind it may be taken for acknowledged
        is_to_be_repeated = true;
        break;
      }
      ++decided_lines_;
      sequence_ = std::max(sequence_, outcome.sequence);
      const bool is_rejected = !outcome.is_accepted();
      const bool is_foreign = is_rejected && (outcome.reason == Reason::not_json || outcome.reason == Reason::not_utf8);
      foreign_in_row_ = is_foreign ? foreign_in_row_ + 1 : 0;
      if (has_acks_ && is_rejected) {
        out_ += fmt::format("{{\"line\":{},\"reason\":\"{}\",\"column\":{}}}\n", decided_lines_,
                            name_of(*outcome.reason), outcome.column);
      }
      if (foreign_in_row_ >= limits_.not_json_max && !is_ending_) {
        shared_->closed("not_json").add();
        out_ += Response::error(0, "this port takes JSON, one object a line").body;
        pending_ = {};
        end();
      }
    }
    if (has_acks_) {
      out_ += sequence_ > 0 ? fmt::format("{{\"ack\":{},\"sequence\":{}}}\n", decided_lines_, sequence_)
                            : fmt::format("{{\"ack\":{}}}\n", decided_lines_);
    }
    if (is_to_be_repeated) {
      shared_->closed("not_stored").add();
      out_ += Response::error(0, "the service does not take events now: send again what was not acknowledged").body;
      pending_ = {};
      end();
    }
    with_writer_ = {};
    pump();
  }

  // --- sending ---

  void write() {
    is_writing_ = true;
    moved_ = Clock::now();
    being_written_ = std::exchange(out_, {});
    asio::async_write(stream_, asio::buffer(being_written_),
                      [self = this->shared_from_this()](ErrorCode error, size_t) {
                        self->is_writing_ = false;
                        self->moved_ = Clock::now();
                        if (error) return self->close();
                        self->pump();
                      });
  }

  void close() {
    if (std::exchange(is_closed_, true)) return;
    timer_.cancel();
    ErrorCode ignored;
    socket_of(stream_).shutdown(Socket::shutdown_both, ignored);
    socket_of(stream_).close(ignored);
  }

  const std::shared_ptr<Shared> shared_;
  const ListenLimits& limits_;
  const Seat seat_;
  const Peer peer_;
  const LineOptions options_;
  Stream stream_;
  Timer timer_;
  const Clock::time_point began_ = Clock::now();
  Clock::time_point moved_ = began_;
  bool has_leave_, has_acks_;
  bool is_shaken_ = false, is_known_ = false;
  bool is_reading_ = false, is_writing_ = false, is_ending_ = false, is_closed_ = false;
  bool is_with_writer_ = false, waits_for_room_ = false;

  std::string first_;  // what has come before the first line was whole
  LineFraming framing_;
  Received pending_, with_writer_;
  size_t rejected_bytes_ = 0;  // of pending_, about
  uint64_t decided_lines_ = 0, sequence_ = 0;
  size_t foreign_in_row_ = 0;
  std::array<char, read_bytes> buffer_;
  std::string out_, being_written_;
};

}  // namespace

std::shared_ptr<Connection> make_line_connection(Socket socket, asio::ssl::context* tls, std::shared_ptr<Shared> shared,
                                                 Peer peer, const LineOptions& options) {
  if (tls == nullptr) {
    return std::make_shared<LineConnection<Socket>>(std::move(shared), std::move(peer), options, std::move(socket));
  }
  return std::make_shared<LineConnection<TlsStream>>(std::move(shared), std::move(peer), options, std::move(socket),
                                                     *tls);
}

}  // namespace omen
