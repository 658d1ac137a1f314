// Sink: a destination on this machine, which may block for a while: a file, standard output, a database, a command.
// Each has a thread of its own (delivery.h).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/status.h"
#include "runtime/outbox/destination.h"
#include "runtime/outbox/message.h"

namespace omen {

struct SinkOptions {
  int standard_output = 1;
  bool allow_exec = false;
  std::function<void(std::string& out, std::string_view record)> rewrite;
  const std::atomic<bool>* is_stopping = nullptr;  // end soon: what has not been done is `returned`
};

// What came of one message, for the attempt.
struct SinkResult {
  Verdict verdict = Verdict::delivered;
  int32_t status = 0;
  std::string error;
};

class Sink {
 public:
  virtual ~Sink() = default;
  // As many results as messages, in their order.
  virtual std::vector<SinkResult> deliver(std::span<const Message> messages) = 0;
  static constexpr size_t batch_max = 64;
};

// Records appended to a file, one a line, and synced: what has been delivered outlives a power cut.
std::unique_ptr<Sink> make_file_sink(const Destination& destination);
// The same to standard output; a reader that does not read delays only this one.
std::unique_ptr<Sink> make_stdout_sink(const SinkOptions& options);
// A row in a table of an SQLite database, once for each message id.
std::unique_ptr<Sink> make_sqlite_sink(const Destination& destination);
// A command, without a shell: the body on its standard input. Exit status 0 delivered, 75 (EX_TEMPFAIL), a signal or no
// end in time retry, any other refused.
std::unique_ptr<Sink> make_exec_sink(const Destination& destination, const SinkOptions& options);

}  // namespace omen
