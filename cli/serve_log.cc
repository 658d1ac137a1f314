#include "cli/serve_log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "cli/print.h"
#include "runtime/core/json.h"

namespace omen::cli {

ServeLog::ServeLog(bool is_json, const std::string& level)
    : is_json_(is_json),
      logger_(std::make_shared<spdlog::logger>("omen", std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_level(level == "warning" ? spdlog::level::warn : spdlog::level::info);
  // The message is quoted by form(): spdlog knows no JSON.
  logger_->set_pattern(
      is_json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
      spdlog::pattern_time_type::utc);
  logger_->flush_on(spdlog::level::info);
}

ServeLog::~ServeLog() = default;

std::string ServeLog::form(const std::string& line) const {
  if (!is_json_) {
    std::string out;
    for (size_t begin = 0; begin <= line.size();) {  // the lines of a diagnostic stay lines
      const size_t end = std::min(line.find('\n', begin), line.size());
      out += (begin == 0 ? "" : "\n  ") + shown(std::string_view(line).substr(begin, end - begin));
      begin = end + 1;
    }
    return out;
  }
  std::string out;
  json::append_string(out, line);
  return out;
}

void ServeLog::say(const std::string& line) { logger_->info("{}", form(line)); }

void ServeLog::problem(const std::string& line) { logger_->warn("{}", form(line)); }

}  // namespace omen::cli
