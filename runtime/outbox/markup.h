// Markup: values as text inside XML, HTML and Slack's form of it, where `&`, `<` and `>` mean something.
#pragma once

#include <string>
#include <string_view>

namespace omen {

// `with_quotes`: it may stand in an attribute, too.
std::string escaped_markup(std::string_view text, bool with_quotes);

}  // namespace omen
