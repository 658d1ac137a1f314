// Serve's log: what a service tells its operator, on standard error: lines of text, or JSON objects (spdlog).
#pragma once

#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace omen::cli {

class ServeLog {
 public:
  // `level`: info or warning.
  ServeLog(bool is_json, const std::string& level);
  ~ServeLog();
  ServeLog(const ServeLog&) = delete;
  ServeLog& operator=(const ServeLog&) = delete;

  // Any thread. Control characters of what came from outside are left out.
  void say(const std::string& line);
  void problem(const std::string& line);

 private:
  std::string form(const std::string& line) const;
  const bool is_json_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace omen::cli
