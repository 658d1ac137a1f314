// Serve's metrics: what the service tells of itself (ServiceView), as families of /metrics.
#pragma once

#include <functional>
#include <memory>

#include "runtime/serve/metrics.h"
#include "runtime/serve/service.h"

namespace omen::cli {

void add_service_metrics(Metrics& metrics, std::function<std::shared_ptr<const ServiceView>()> view);

}  // namespace omen::cli
