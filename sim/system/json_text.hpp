// Text to JSON, for input nobody vouches for: bounded in size, depth and width, duplicate keys
// reported, syntax errors placed by line and column.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "sim/base/diagnostics.hpp"

namespace wbsim::system {

// Objects keep the order of the document, so messages and printed configs do too.
using Json = nlohmann::ordered_json;

// Bounds far above any sensible experiment; they keep a broken or hostile file from costing more
// than a moment.
inline constexpr std::size_t kJsonTextBytesMax = std::size_t{4} << 20;
inline constexpr std::size_t kJsonDepthMax = 32;
inline constexpr std::size_t kJsonMembersMax = 1000;     // of one object
inline constexpr std::size_t kJsonElementsMax = 10'000;  // of one array

// nullopt after a syntax error or an exceeded bound. A duplicate key is an error too, but the rest
// of the document is still returned (with the first value), so that all its errors can be shown.
std::optional<Json> parse_json(const std::string& name, std::string_view text,
                               Diagnostics& diagnostics);

// "/devices/sda" + "queue" = "/devices/sda/queue", escaped as RFC 6901 says. Control characters and
// the tail of very long keys are replaced: the result is for messages.
std::string child_pointer(const std::string& parent, std::string_view key);

// A value as it is shown in a message: short, on one line, without control characters.
std::string shown(const Json& value);
std::string in_quotes(std::string_view text);

}  // namespace wbsim::system
