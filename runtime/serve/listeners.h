// Listeners: the service's ears. Opens what it is told to, and serves HTTP (http_connection) and lines
// (line_connection) on a few threads of its own, until it is stopped.
//
// NOT HERE: files that are followed (followed_file.h); the control socket.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "runtime/model/status.h"
#include "runtime/serve/http_context.h"
#include "runtime/serve/listen_config.h"

namespace omen {

class Listeners {
 public:
  // All are open, or none is. What is unsafe (validate) is an error.
  static Result<std::unique_ptr<Listeners>> start(const std::vector<ListenConfig>& configs, const HttpContext& context,
                                                  const ListenLimits& limits = {});
  // stop() without patience.
  ~Listeners();
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // As in the configs, with the ports that were given for 0.
  const std::vector<std::string>& addresses() const;
  // The routes, for who wants to show or test them.
  const std::vector<HttpRoute>& routes() const;
  // Reads certificates and keys again: new connections get the new ones. A pair that cannot be used leaves the one that
  // there is; the error names each such. Any thread.
  Status reload_certificates();
  // Takes no more connections or requests, and lets those that are in hand be answered, so long as the patience lasts:
  // so the writer must still be at work. Batches that the writer has not finished hold on to their connections: it has
  // to end before this object does.
  void stop(std::chrono::milliseconds patience);

  struct Inside;

 private:
  explicit Listeners(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace omen
