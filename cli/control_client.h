// Control client: what `omen load`, `list`, `outbox` and the like say to a running service, by its Unix socket.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "runtime/model/status.h"

namespace omen::cli {

struct Reply {
  int status = 0;  // of HTTP
  std::string body;
};

// `path` with its query. An error: nobody listens there.
Result<Reply> call_service(const std::string& data, std::string_view method, const std::string& path,
                           const std::string& body = {});
// The same, and each piece of the reply as it comes, until `take` gives false or the service ends.
Status stream_service(const std::string& data, const std::string& path,
                      const std::function<bool(std::string_view)>& take);

// `?name=value&…`, escaped; empty values are left out.
std::string query_text(const std::vector<std::pair<std::string, std::string>>& parameters);
// Adds --data to a verb that speaks to a service.
void add_data_option(Command verb, std::string& data);

// Prints what went wrong, the service's own sentence when there is one, and gives the exit code.
int complain_of(const char* verb, const Result<Reply>& reply);

}  // namespace omen::cli
