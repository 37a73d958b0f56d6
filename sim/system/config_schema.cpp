#include "sim/system/config_schema.hpp"

#include "sim/system/config_fields.hpp"
#include "sim/system/config_mounts.hpp"

namespace wbsim::system {
namespace {

void list(const std::string& prefix, const std::vector<Field>& fields,
          std::vector<OptionInfo>& options) {
  for (const Field& field : fields) {
    if (field.members.empty()) {
      const Json value = field.print();
      const bool is_leaf = value.is_primitive() && !value.is_null();
      options.push_back({prefix + field.key, field.allowed,
                         !is_leaf            ? ""
                         : value.is_string() ? value.get<std::string>()
                                             : value.dump(),
                         field.summary});
      continue;
    }
    list(prefix + field.key + ".", field.members, options);
  }
}

}  // namespace

nlohmann::ordered_json config_schema() {
  Config config;
  Json schema{{"$schema", "http://json-schema.org/draft-07/schema#"},
              {"title", "An experiment of wbsim"}};
  schema.update(object_schema(root_fields(config)));
  schema["required"] = Json::array({"devices"});
  return schema;
}

std::vector<OptionInfo> list_options() {
  Config config;
  DeviceConfig device;
  StackConfig stack;
  MountConfig mount;
  ActionConfig action;
  std::vector<OptionInfo> options;
  for (const Field& field : root_fields(config)) {
    if (field.key == "devices") {
      list("devices.NAME.", all_device_fields(device), options);
    } else if (field.key == "stack") {
      list("stack.NAME.", stack_fields(stack), options);
    } else if (field.key == "mounts") {
      list("mounts.NAME.", mount_fields(mount), options);
    } else if (field.key == "actions") {
      list("actions[].", action_fields(action), options);
    } else {
      list("", {field}, options);
    }
  }
  return options;
}

}  // namespace wbsim::system
