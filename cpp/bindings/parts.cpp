#include "parts.hpp"

#include <algorithm>

namespace nnbind::bindings {

namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names)
    text += (text.empty() ? "" : ", ") + nnbind::in_quotes(name);
  return text;
}

/// A data frame is a table of one input, whatever its columns are called; a dict never is.
bool is_by_name(py::handle object, bool several) {
  if (py::isinstance<py::dict>(object)) return true;
  return several && py::isinstance(object, py::module_::import("collections.abc").attr("Mapping"));
}

std::vector<py::object> by_name(py::handle mapping, const std::vector<std::string>& names,
                                const std::string& what) {
  std::vector<py::object> values;
  values.reserve(names.size());
  std::vector<std::string> given;
  for (const py::handle key : py::iter(mapping.attr("keys")())) given.push_back(py::str(key));
  if (!std::ranges::is_permutation(given, names)) {
    throw OptionError(what + " has parts named " + listed(given) + "; expected " + listed(names));
  }
  for (const std::string& name : names) values.emplace_back(mapping[py::str(name)]);
  return values;
}

std::vector<py::object> in_order(py::handle list, const std::vector<std::string>& names,
                                 const std::string& what) {
  const std::string expected = "; expected a dict, or a list in the order " + listed(names);
  if (!py::isinstance<py::list>(list) && !py::isinstance<py::tuple>(list)) {
    throw py::type_error(what + " is one " + std::string(Py_TYPE(list.ptr())->tp_name) + expected);
  }
  if (py::len(list) != names.size()) {
    throw OptionError(what + " has " + std::to_string(py::len(list)) + " parts" + expected);
  }
  std::vector<py::object> values;
  for (const py::handle value : list) values.push_back(py::reinterpret_borrow<py::object>(value));
  return values;
}

}  // namespace

std::vector<Part> parts(py::handle object, const std::vector<std::string>& names,
                        const std::string& what) {
  const bool several = names.size() > 1;
  const bool named = is_by_name(object, several);
  if (!several && !named) return {{py::reinterpret_borrow<py::object>(object), what}};
  const std::vector<py::object> values =
      named ? by_name(object, names, what) : in_order(object, names, what);
  std::vector<Part> result;
  result.reserve(names.size());
  for (std::size_t k = 0; k < names.size(); ++k) {
    result.push_back({values[k], several ? what + "[" + nnbind::in_quotes(names[k]) + "]" : what});
  }
  return result;
}

}  // namespace nnbind::bindings
