// The standard headers that most files include, which clang compiles once a library and not with each of its files
// (meson's b_pch switches it off): a build with sanitizers takes a quarter less. It is no header to include: each file
// names what it uses, as builds by GCC show, and of the tests that of scripts/test --long.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
