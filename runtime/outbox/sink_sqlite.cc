#include "runtime/model/time.h"
#include "runtime/outbox/database.h"
#include "runtime/outbox/sink.h"

namespace omen {
namespace {

constexpr int busy_ms = 1000;

class SqliteSink : public Sink {
 public:
  explicit SqliteSink(const Destination& destination) : destination_(destination) {}

  std::vector<SinkResult> deliver(std::span<const Message> messages) override {
    const Status status = insert(messages);
    if (!status) {
      if (database_ != nullptr && database_->is_in_transaction()) (void)database_->execute("ROLLBACK");
      database_.reset();
    }
    return std::vector<SinkResult>(messages.size(),
                                   status ? SinkResult{} : SinkResult{Verdict::retry, 0, status.message()});
  }

 private:
  Status insert(std::span<const Message> messages) {
    if (Status status = open(); !status) return status;
    if (Status status = database_->execute("BEGIN IMMEDIATE"); !status) return status;
    for (const Message& message : messages) {
      std::string end;
      append_rfc3339(end, message.end_us);
      Statement insert = database_->prepare("INSERT OR IGNORE INTO " + table_ +
                                            "(id, rule, severity, key, time, text, body) VALUES(?, ?, ?, ?, ?, ?, ?)");
      insert.bind(message.id).bind(message.rule).bind(message.severity).bind(message.key).bind(end);
      insert.bind(message.text).bind(message.body);
      if (!insert.run()) return plain(database_->failure("insert"));
    }
    return plain(database_->execute("COMMIT"));
  }

  Status open() {
    if (database_ != nullptr) return Status::ok();
    const auto path = destination_.value("path");
    if (!path) return Status::error("path: " + path.message());
    auto opened = Database::open(path.value(), "", busy_ms);
    if (!opened) return Status::error("the database cannot be opened");
    database_ = std::move(opened.value());
    table_ = quoted_name(destination_.plain("table").empty() ? "alerts" : destination_.plain("table"));
    return plain(database_->execute(
        "CREATE TABLE IF NOT EXISTS " + table_ +
        "(id TEXT PRIMARY KEY, rule TEXT, severity TEXT, key TEXT, time TEXT, text TEXT, body TEXT)"));
  }

  // The path may be a secret: only what went wrong is said.
  Status plain(Status status) const {
    if (status) return status;
    const size_t colon = status.message().find(": ");
    return Status::error(colon == std::string::npos ? status.message() : status.message().substr(colon + 2));
  }

  const Destination destination_;
  std::unique_ptr<Database> database_;
  std::string table_;
};

}  // namespace

std::unique_ptr<Sink> make_sqlite_sink(const Destination& destination) {
  return std::make_unique<SqliteSink>(destination);
}

}  // namespace omen
